"""What a file seems to be, by its beginning: for a page that shows it before the file is sent."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from tabular.decoding import EncodingSource
from tabular.headings import ERRORS_HEADING, LINE_HEADING, KnownHeadings, normalize, shortened, shown
from tabular.recognition import Format, find_format
from uploads.headings import LONGEST_HEADING, Headings
from uploads.types import UploadType

if TYPE_CHECKING:
    from collections.abc import Sequence

#: As much of the file as a page sends.
HEAD_BYTES: Final = 64 * 1024
SAMPLES: Final = 3
#: Characters of a cell that are shown.
LONGEST_SAMPLE: Final = 60
HIDDEN: Final = "•••"


@dataclass(frozen=True)
class FileColumn:
    """A column of the file. `column` is the heading of the type's column that it is taken for; empty: it is ignored.

    `heading` is shown, `name` is what an order matches: the whole heading, empty if it cannot be matched by hand.
    """

    heading: str
    column: str
    samples: Sequence[str]
    name: str


@dataclass(frozen=True)
class FileHead:
    """The beginning of a file. `missing` are required columns of the type that the file seems not to have."""

    encoding: str
    encoding_source: EncodingSource
    delimiter: str
    columns: Sequence[FileColumn]
    missing: Sequence[str]
    #: Columns of the type that two columns of the file with different headings are taken for.
    doubled: Sequence[str]
    #: Headings that two columns of the file have.
    repeated: Sequence[str]

    @property
    def is_matched(self) -> bool:
        """Whether the file can be uploaded like this, as far as its headings tell."""
        return not self.missing and not self.doubled and not self.repeated


def recognize_head(
    upload_type: UploadType,
    head: bytes,
    *,
    is_whole: bool,
    headings: Headings | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> FileHead:
    """Recognize the first bytes of a file; `is_whole` says that there are no more.

    `headings` are those that the user has matched, now or for an earlier file. Raises RecognitionError if the beginning
    is not that of a CSV file, or its encoding and delimiter cannot be found.
    """
    whole = head if is_whole else _whole_lines(head)
    known = upload_type.known_headings()
    names = KnownHeadings(known, headings)
    form = find_format(lambda: [whole], names, encoding=encoding, delimiter=delimiter)
    keys = [names.keys(cell) for cell in form.line.cells]
    found = [key for each in keys for key in each]
    samples = _samples(form)
    return FileHead(
        encoding=form.encoding.name,
        encoding_source=form.encoding.source,
        delimiter=form.line.delimiter,
        columns=[
            FileColumn(
                shortened(cell),
                names.name(each[0]) if each else "",
                [HIDDEN] if any(map(upload_type.hides, each)) else samples.get(index, []),
                cell if len(cell) <= LONGEST_HEADING and normalize(cell) and shown(cell) == cell else "",
            )
            for index, (cell, each) in enumerate(zip(form.line.cells, keys, strict=True))
            if normalize(cell) not in (LINE_HEADING, ERRORS_HEADING)
        ],
        missing=[names.name(key) for key in known if key in upload_type.required_columns() and key not in found],
        doubled=[
            names.name(key) for key, headings in _headings_of(form.line.cells, names).items() if len(headings) > 1
        ],
        repeated=_repeated(form.line.cells),
    )


def _headings_of(cells: Sequence[str], names: KnownHeadings) -> Mapping[str, set[str]]:
    headings: dict[str, set[str]] = {}
    for cell in cells:
        for key in names.keys(cell):
            headings.setdefault(key, set()).add(normalize(cell))
    return headings


def _repeated(cells: Sequence[str]) -> list[str]:
    counts = Counter(map(normalize, cells))
    firsts = {normalize(cell): shortened(cell) for cell in reversed(cells)}
    return [firsts[name] for name, count in counts.items() if name and count > 1]


def _whole_lines(head: bytes) -> bytes:
    """Without the last line, which is most likely cut. In UTF-16 and UTF-32, a line break may end with zero bytes."""
    end = head.rfind(b"\n") + 1
    while 0 < end < len(head) and head[end] == 0:
        end += 1
    return head[:end] if end else head


def _samples(form: Format) -> Mapping[int, list[str]]:
    """Index of a column → its first values that differ and are not empty."""
    rows: dict[int, list[str]] = {}
    for cells in islice(_records(form), SAMPLES * 4):
        for index, cell in enumerate(cells):
            values = rows.setdefault(index, [])
            text = shown(cell.strip())
            text = text if len(text) <= LONGEST_SAMPLE else f"{text[: LONGEST_SAMPLE - 1]}…"
            if text and text not in values and len(values) < SAMPLES:
                values.append(text)
    return rows


def _records(form: Format) -> Iterator[list[str]]:
    """The records behind the headings, as far as the csv module reads them: they are samples, and may be cut."""
    lines = form.text[form.line.end :].splitlines(keepends=True)
    with suppress(csv.Error):
        yield from csv.reader(lines, delimiter=form.line.delimiter)
