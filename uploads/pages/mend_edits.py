"""What was changed in the rejected rows, kept in the form from page to page; and what it makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from django.core.exceptions import BadRequest

from tabular.decoding import bytes_of
from tabular.headings import shown
from tabular.writing import MARKS, joined
from uploads.mending import MendedRows
from uploads.pages.mend_file import Cell, RejectedFile, RejectedRow

#: Fields of a page stay below Django's limit of 1,000: cells, a tick for each row, and a few more.
MOST_FIELDS: Final = 900
MOST_ROWS_OF_PAGE: Final = 50

#: Row and column, from 0.
Place = tuple[int, int]


@dataclass
class Edits:
    """New texts by place, and the rows that are left out."""

    cells: dict[Place, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    @classmethod
    def kept(cls, text: str, file: RejectedFile) -> Self:
        """Those of the hidden field. Raises BadRequest if it is not what `as_text` has made."""
        try:
            known = json.loads(text or '{"cells": [], "leftOut": []}')
            cells = {(int(row), int(column)): str(value) for row, column, value in known["cells"]}
            left_out = {int(row) for row in known["leftOut"]}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BadRequest("The hidden field of the form is damaged.") from None
        rows = range(len(file.rows))
        return cls(
            {place: value for place, value in cells.items() if place[0] in rows and place[1] in _columns(file, place)},
            {row for row in left_out if row in rows},
        )

    def as_text(self) -> str:
        """For the hidden field."""
        cells = [[row, column, text] for (row, column), text in sorted(self.cells.items())]
        return json.dumps({"cells": cells, "leftOut": sorted(self.left_out)}, ensure_ascii=False)

    def take(self, posted: Mapping[str, str], file: RejectedFile, rows: Sequence[RejectedRow]) -> None:
        """Take what the inputs of a page say about its rows. Texts that are as they were count as unchanged."""
        for row in rows:
            (self.left_out.add if f"drop-{row.number}" in posted else self.left_out.discard)(row.number)
            for column in _columns(file, (row.number, 0)):
                text = posted.get(f"cell-{row.number}-{column}")
                if text is None or (column in file.hidden and not text):
                    continue
                place = row.number, column
                if column not in file.hidden and _with_lf(text) == _with_lf(text_of_cell(row, column)):
                    self.cells.pop(place, None)
                else:
                    self.cells[place] = _with_lf(text)


class UnencodableCellError(Exception):
    """The encoding of the file lacks a character that was entered at `place`."""

    def __init__(self, place: Place, character: str) -> None:
        super().__init__(character)
        self.place, self.character = place, character


def pages_of(file: RejectedFile) -> list[Sequence[RejectedRow]]:
    """The rows, page by page."""
    width = max([len(file.headings), *(len(row.cells) for row in file.rows)])
    size = max(1, min(MOST_ROWS_OF_PAGE, MOST_FIELDS // (width + 1)))
    return [file.rows[start : start + size] for start in range(0, len(file.rows), size)]


def text_of_cell(row: RejectedRow, column: int) -> str:
    """A cell as an input can show it: damaged bytes become U+FFFD."""
    return shown(row.cells[column] or "") if column < len(row.cells) else ""


def mended_bytes(file: RejectedFile, edits: Edits) -> Iterator[bytes]:
    """The file of the mended rows, in the encoding and with the delimiter of the errors file.

    Cells that were not changed keep their bytes, also damaged ones. What was entered is read as if it stood in the file
    that was uploaded. Raises UnencodableCellError.
    """
    yield MARKS.get(file.encoding, b"")
    yield bytes_of(joined(file.headings, delimiter=file.delimiter) + file.line_end, file.encoding)
    for row in file.rows:
        if row.number in edits.left_out:
            continue
        cells = list(_mended(file, edits, row))
        while len(cells) > len(file.headings) and not cells[-1]:
            cells.pop()
        yield bytes_of(joined(cells, delimiter=file.delimiter) + file.line_end, file.encoding)


def mended_rows(file: RejectedFile, edits: Edits) -> MendedRows:
    """What becomes of the rejected rows in the file that was uploaded. Raises UnencodableCellError."""
    changes: dict[int, dict[int, str] | None] = {
        int(row.line): None if row.number in edits.left_out else {} for row in file.rows
    }
    for (number, column), text in edits.cells.items():
        if (change := changes[int(file.rows[number].line)]) is not None:
            _require_encodable((number, column), text, file.encoding)
            change[file.column_of_source(column)] = text
    return MendedRows(file.encoding, file.delimiter, changes)


def _mended(file: RejectedFile, edits: Edits, row: RejectedRow) -> Iterator[Cell]:
    for column in _columns(file, (row.number, 0)):
        text = edits.cells.get((row.number, column))
        if text is None:
            yield row.cells[column] if column < len(row.cells) else None
            continue
        _require_encodable((row.number, column), text, file.encoding)
        yield text or None


def _require_encodable(place: Place, text: str, encoding: str) -> None:
    for character in dict.fromkeys(text):
        try:
            bytes_of(character, encoding)
        except UnicodeEncodeError:
            raise UnencodableCellError(place, character) from None


def _columns(file: RejectedFile, place: Place) -> range:
    """The columns of a row, with the cells beyond the headings."""
    return range(max(len(file.headings), len(file.rows[place[0]].cells)))


def _with_lf(text: str) -> str:
    """Browsers send all line breaks as CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
