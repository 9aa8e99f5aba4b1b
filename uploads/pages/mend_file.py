"""The rejected rows of an upload, read from its errors file to be mended on a page.

Only a small file is read, so that it may be held in memory; see `can_be_mended`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job
from tabular.decoding import UTF8, utf8_stream
from tabular.grammar import cells_of
from tabular.headings import ERRORS_HEADING, LINE_HEADING, KnownHeadings, match, shown
from tabular.locating import locate
from tabular.refusals import RecognitionError
from tabular.scanner import scan
from tabular.writing import MARKS
from uploads.api.bodies import is_hidden
from uploads.pages.reason_texts import split_reasons
from uploads.types import UPLOAD_TYPES

#: More rows, or a larger file, can only be downloaded.
MOST_ROWS: Final = 500
MOST_BYTES: Final = 384 * 1024
#: The columns that the errors file adds at the end: the line and the reasons.
_ADDED: Final = 2

#: A cell as `tabular.grammar.cells_of` has it.
Cell = str | None


@dataclass(frozen=True)
class RejectedRow:
    """A rejected record. It may have fewer or more cells than headings; the reasons are by column, or of the row."""

    number: int
    line: str
    cells: Sequence[Cell]
    of_cells: Mapping[int, Sequence[str]] = field(default_factory=dict)
    of_row: Sequence[str] = ()


@dataclass(frozen=True)
class RejectedFile:
    """The rejected rows, and how their file is written. `hidden` are the columns whose values are never shown.

    `columns` are the positions of their columns in the file that was uploaded: it may be an errors file itself, whose
    two added columns they do not have. That file has `width` columns.
    """

    headings: Sequence[str]
    rows: Sequence[RejectedRow]
    encoding: str
    delimiter: str
    line_end: str
    hidden: frozenset[int]
    columns: Sequence[int]
    width: int

    def column_of_source(self, column: int) -> int:
        """The position in the file that was uploaded; cells beyond the headings are beyond them there, too."""
        return self.columns[column] if column < len(self.columns) else self.width + column - len(self.columns)


def can_be_mended(errors: Artifact | None) -> bool:
    """Whether the errors file is small enough. `row_count` may be less than the rejected rows if they were cut off."""
    return errors is not None and 0 < errors.row_count <= MOST_ROWS and errors.size_bytes <= MOST_BYTES


def read_rejected(job: Job, errors: Artifact) -> RejectedFile:
    """The rows of an errors file that `can_be_mended`. Raises ArtifactError and StorageUnavailableError."""
    result: dict[str, Any] = (job.result or {})["upload"]
    delimiter, encoding = result["delimiter"], result["encoding"]
    content = _utf8_of(errors, encoding)
    records = scan([content], delimiter=delimiter, width=len(_first(content, delimiter, encoding)))
    every = [cells_of(one.raw, delimiter=delimiter) for one in locate(records, range(1, errors.row_count + 2))]
    heading, *rejected = every
    headings = [shown(cell or "") for cell in heading[:-_ADDED]]
    places = _Places(job, headings)
    rows = [
        RejectedRow(number, cells[-2] or "", cells[:-_ADDED], *places.of(cells[-1] or ""))
        for number, cells in enumerate(rejected)
    ]
    upload_type = UPLOAD_TYPES.find(job.type)
    hidden = frozenset(index for index, one in enumerate(headings) if is_hidden(one, upload_type))
    uploaded: Sequence[str] = result["headings"]
    return RejectedFile(
        headings,
        rows,
        encoding,
        delimiter,
        records.line_end.decode(),
        hidden | places.hidden,
        columns=[index for index, one in enumerate(uploaded) if one not in (LINE_HEADING, ERRORS_HEADING)],
        width=len(uploaded),
    )


def _utf8_of(errors: Artifact, encoding: str) -> bytes:
    """The whole file, without its byte order mark."""
    with closing(open_artifact_range(errors, first=0, last=errors.size_bytes - 1)) as stored:
        blocks = list(stored)
    skipped = len(MARKS[encoding]) if encoding in UTF8 and encoding in MARKS else 0
    return b"".join(utf8_stream(blocks, encoding, skip=skipped))


def _first(content: bytes, delimiter: str, encoding: str) -> list[Cell]:
    """The cells of the heading line, which is always valid CSV."""
    first = next(locate(scan([content], delimiter=delimiter, width=1), [1]))
    return cells_of(first.raw, delimiter=delimiter)


class _Places:
    """Which column of the file a reason is about: reasons name the headings of the type, not those of the file."""

    def __init__(self, job: Job, headings: Sequence[str]) -> None:
        upload_type = UPLOAD_TYPES.find(job.type)
        known = upload_type.known_headings() if upload_type else {}
        try:
            positions = match(headings, KnownHeadings(known, job.payload["csv"].get("headings")), ()).positions
        except RecognitionError:  # the type has changed since
            positions = {}
        self._columns: dict[str, int] = {}
        for key, index in positions.items():
            self._columns.setdefault(known[key][0], index)
        is_secret = upload_type.hides if upload_type else lambda key: False
        self.hidden = frozenset(index for key, index in positions.items() if is_secret(key))

    def of(self, reasons: str) -> tuple[dict[int, list[str]], list[str]]:
        """The sentences by column, and those about the whole row."""
        of_cells: dict[int, list[str]] = defaultdict(list)
        of_row = []
        for heading, sentence in split_reasons(reasons, self._columns):
            if heading:
                of_cells[self._columns[heading]].append(sentence)
            else:
                of_row.append(sentence)
        return dict(of_cells), of_row
