"""The first rows of an order's query, for a preview. This runs in the process that contains the code of the type."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.conf import settings
from django.utils import translation

from jobs.classification import classify
from jobs.payloads.masked import secrets_of_payload
from jobs.payloads.redaction import LONGEST_MESSAGE, redact
from reports.cells import large_cells_named
from reports.open_query import ReportQuery
from reports.ordering import reopen_order
from reports.types import REPORT_TYPES
from tabular.copy_stream import copy_rows
from tabular.dialect import Dialect
from tabular.encoding import Encoder, defuser
from tabular.rows import Rows

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_ROWS: Final = 20
#: Rows beyond this total size are omitted.
MOST_BYTES: Final = 256 * 1024
# A single cell may be as large. The limit is one per process (default: 131,072 characters), so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), MOST_BYTES))


@dataclass(frozen=True)
class Preview:
    """The headings, and the first rows as they would appear in the file; None if they take too long to compute.

    `truncated`: rows, possibly all, were omitted because of MOST_BYTES. `row_count`: the current number of rows if all
    are shown, and equal to `estimated_rows` then. `estimated_by`: who expects them (`reports.expectation.Source`).
    `numeric`: whether each column holds numbers. `all_columns`: the headings that an order can choose from.
    `bytes_per_row`: of the shown rows in the file, before any compression.
    """

    columns: list[str]
    estimated_rows: int | None
    rows: list[list[str]] | None
    truncated: bool = False
    row_count: int | None = None
    estimated_by: str | None = None
    numeric: list[bool] = field(default_factory=list)
    all_columns: list[str] = field(default_factory=list)
    bytes_per_row: float | None = None

    @property
    def shown_columns(self) -> list[tuple[str, bool]]:
        """Each heading, and whether its column holds numbers."""
        return list(zip(self.columns, self.numeric, strict=True))

    @property
    def shown_rows(self) -> list[list[tuple[str, bool]]]:
        """The rows, each cell with whether its column holds numbers."""
        return [list(zip(row, self.numeric, strict=True)) for row in self.rows or []]

    @property
    def estimated_bytes(self) -> int | None:
        """The expected size of the file before any compression; None if the rows are unknown."""
        if self.estimated_rows is None or self.bytes_per_row is None:
            return None
        return round(self.estimated_rows * self.bytes_per_row)


def read_preview(payload: dict[str, Any], owner: AbstractBaseUser, alias: str) -> dict[str, Any]:
    """The members of a Preview; or `failure`, with the detail for users and the complaint for the log."""
    try:
        with translation.override(payload.get("language")):
            return asdict(_read(payload, owner, alias))
    except Exception as error:  # a type's code may raise anything
        failure = classify(error)
        secrets = secrets_of_payload(REPORT_TYPES.kind, payload)
        complaint, detail = redact(f"{type(error).__name__}: {error}", secrets), redact(failure.detail, secrets)
        return {"failure": {**asdict(failure), "detail": detail, "complaint": complaint[:LONGEST_MESSAGE]}}


def _read(payload: dict[str, Any], owner: AbstractBaseUser, alias: str) -> Preview:
    report_type, parameters = reopen_order(payload, owner)
    dialect = Dialect.from_payload(payload["csv"])
    with ReportQuery(report_type, parameters, owner, chosen=payload.get("columns")).open(
        alias, application_name="longhaul preview", statement_timeout_seconds=settings.PREVIEW_TIMEOUT_SECONDS
    ) as query:
        statement, headings = query.copy_statement(dialect, most_rows=MOST_ROWS), query.headings
        expected = query.expected_rows()
        preview = Preview(
            headings,
            expected.rows if expected else None,
            None,
            estimated_by=expected.source if expected else None,
            numeric=[column.is_number for column, _ in query.written],
            all_columns=query.all_headings,
        )
        try:
            with large_cells_named(headings):
                lines, truncated = _first_lines(query.connection, statement)
        except psycopg.errors.QueryCanceled:  # the statement timeout
            return preview
        rows = _rows_of(lines, dialect)
        preview = replace(preview, rows=rows, truncated=truncated, bytes_per_row=_bytes_per_row(lines, dialect))
        if len(rows) < MOST_ROWS and not truncated:
            return replace(preview, estimated_rows=len(rows), estimated_by=None, row_count=len(rows))
        return preview


def _first_lines(connection: psycopg.Connection[object], statement: str) -> tuple[list[bytes], bool]:
    lines: list[bytes] = []
    with closing(copy_rows(connection, statement, check=lambda: None, chunk_bytes=lambda: 1)) as chunks:
        for chunk in chunks:
            lines.append(chunk.data)  # one row
            if sum(map(len, lines)) > MOST_BYTES:
                return lines[:-1], True
    return lines, False


def _bytes_per_row(lines: list[bytes], dialect: Dialect) -> float | None:
    """The mean size of a row in the encoding of the file. A character that it lacks does not matter here."""
    encoder = Encoder(replace(dialect, errors="replace"), [])
    encoder.encode(Rows(b"", 0))  # writes the byte order mark, which is no part of a row
    return len(encoder.encode(Rows(b"".join(lines), len(lines)))) / len(lines) if lines else None


def _rows_of(lines: list[bytes], dialect: Dialect) -> list[list[str]]:
    """Parse the lines. Python's reader makes no cells of an empty line, which is the NULL of a single column."""
    text = io.StringIO(defuser(dialect)(b"".join(lines)).decode(), newline="")
    return [row or [""] for row in csv.reader(text, delimiter=dialect.delimiter)]
