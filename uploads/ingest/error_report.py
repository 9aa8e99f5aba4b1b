"""The errors of an upload: a file of the rejected records to mend, and a summary for the status.

The file has the columns, the encoding and the delimiter of the upload, and two columns more: the line and what is
wrong. Once mended, that very file can be uploaded: the two columns are ignored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from psycopg import sql

from jobs.files.artifacts import ArtifactWriter
from tabular.decoding import bytes_of, original_bytes
from tabular.grammar import cells_of
from tabular.headings import ERRORS_HEADING, LINE_HEADING
from tabular.locating import Located
from tabular.writing import MARKS, WITHOUT_MARK, joined
from uploads.ingest.messages import Messages, Problem
from uploads.ingest.planning import PROBLEMS
from uploads.ingest.session import Session

#: How many errors the status shows, how many lines it names for each group, and the longest value. Characters.
PREVIEWED: Final = 100
LINES_OF_GROUP: Final = 5
LONGEST_VALUE: Final = 200
#: Problems that are fetched at a time.
FETCHED: Final = 1000


@dataclass
class Group:
    """The errors with one code in one column."""

    code: str
    column: str
    count: int = 0
    lines: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the status."""
        return {"code": self.code, "column": self.column or None, "count": self.count, "firstLines": self.lines}


class ErrorReport:
    """Collects what the status shows while the file is written."""

    def __init__(self, messages: Messages, counts: Iterable[tuple[str, str, int]]) -> None:
        """`counts` are the numbers of all errors by code and key, however many are then added."""
        self.preview: list[dict[str, Any]] = []
        self._messages = messages
        self._groups: dict[tuple[str, str], Group] = {}
        for code, key, count in counts:
            heading = messages.heading(key)
            self._groups.setdefault((code, heading), Group(code, heading)).count += count

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The groups, the largest first."""
        ordered = sorted(self._groups.values(), key=lambda group: (-group.count, group.code, group.column))
        return [group.as_json() for group in ordered]

    @property
    def count(self) -> int:
        """The number of all errors."""
        return sum(group.count for group in self._groups.values())

    def add(self, located: Located, problem: Problem) -> str:
        """Take a problem into the preview; returns its sentence, with the heading of its column."""
        heading = self._messages.heading(problem.key)
        group = self._groups[problem.code, heading]
        if len(group.lines) < LINES_OF_GROUP and located.line not in group.lines:
            group.lines.append(located.line)
        sentence = self._messages.sentence(problem)
        if len(self.preview) < PREVIEWED:
            self.preview.append(
                {
                    "line": located.line,
                    "endLine": located.end_line,
                    "record": located.record,
                    "byte": located.byte,
                    "column": heading or None,
                    "code": problem.code,
                    "message": sentence,
                    "value": self._messages.value(problem),
                }
            )
        return f"{heading}: {sentence}" if heading else sentence


class Problems:
    """The problems of the records, in the order of the file, read while the file is searched for the records."""

    def __init__(self, session: Session, *, at_most: int) -> None:
        """`at_most`: how many are read. The others are only counted."""
        self._session = session
        self._at_most = at_most
        self._ahead: deque[tuple[int, list[Problem]]] = deque()

    def counts(self) -> list[tuple[Any, ...]]:
        """The number of all problems for each code and key."""
        return self._session.fetch_all(
            sql.SQL("SELECT code, key, count(*) FROM {} GROUP BY code, key").format(PROBLEMS)
        )

    def records(self) -> Iterator[int]:
        """The numbers of the records that have a problem."""
        session = self._session
        session.require()
        statement = sql.SQL(
            "SELECT record, key, code, left(value, {}), message, other, length(value) FROM {}"
            " ORDER BY record, key, code LIMIT {}"
        ).format(sql.Literal(LONGEST_VALUE), PROBLEMS, sql.Literal(self._at_most))
        with session.connection.connection.cursor() as cursor:
            rows = cursor.stream(statement, size=FETCHED)
            for record, found in groupby(rows, key=itemgetter(0)):
                self._ahead.append((record, [Problem(*row[1:]) for row in found]))
                yield record

    def of(self, record: int) -> list[Problem]:
        """The problems of the next record; none if the limit is reached."""
        if not self._ahead:
            return []
        number, problems = self._ahead.popleft()
        if number != record:
            raise AssertionError(f"record {record} was found in place of record {number}")
        return problems


class ErrorFile:
    """Writes the rejected records. What the encoding of the upload lacks becomes `?` in the reasons."""

    def __init__(
        self,
        writer: ArtifactWriter,
        *,
        headings: Sequence[str],
        delimiter: str,
        encoding: str,
        line_end: str,
        ignored: Collection[int] = (),
    ) -> None:
        """`ignored` are the positions of the columns that an earlier errors file added; they are left out."""
        self._writer = writer
        self._headings = headings
        self._delimiter = delimiter
        self._line_end = line_end
        self._ignored = ignored
        self._encoding = encoding
        self._codec = WITHOUT_MARK.get(encoding, encoding)

    def write_heading(self) -> None:
        """The byte order mark, the headings of the upload, and the two further ones."""
        kept = [heading for index, heading in enumerate(self._headings) if index not in self._ignored]
        self._writer.write(MARKS.get(self._encoding, b""))
        self._write_text(self._joined([*kept, LINE_HEADING, ERRORS_HEADING]) + self._line_end)

    def write_record(self, located: Located, reasons: Iterable[str]) -> None:
        """A record as it is in the upload if it is valid CSV, else with its cells put into quotation marks."""
        if not located.code and not self._ignored:
            self._writer.write(original_bytes(located.raw.rstrip(b"\r\n"), self._encoding))
        else:
            every = cells_of(located.raw, delimiter=self._delimiter, encoding=self._encoding)
            cells = [cell for index, cell in enumerate(every) if index not in self._ignored]
            missing = len(self._headings) - len(self._ignored) - len(cells)
            self._writer.write(bytes_of(self._joined([*cells, *[None] * missing]), self._encoding))
        further = self._joined([str(located.line), "; ".join(reasons)])
        self._write_text(f"{self._delimiter}{further}{self._line_end}")
        self._writer.row_count += 1

    def _write_text(self, text: str) -> None:
        self._writer.write(text.encode(self._codec, "replace"))

    def _joined(self, cells: Iterable[str | None]) -> str:
        return joined(cells, delimiter=self._delimiter)


def write_errors(file: ErrorFile, located: Iterable[Located], problems: Problems, report: ErrorReport) -> None:
    """Write the rejected records with their reasons, in the order of the file."""
    file.write_heading()
    for one in located:
        found = problems.of(one.record)
        if not found:
            return
        file.write_record(one, [report.add(one, problem) for problem in found])
