"""Preview: how many rows an order would have, and the first of them, within a request.

The type's code runs in a process of its own, with bounds: a preview that hangs or dies costs no web server.

It reads what the report would read, so the same dials hold: where its queue or its type is paused there is no preview.
"""

from __future__ import annotations

import csv
import io
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import psycopg
import structlog
from django.conf import settings
from django.utils import translation

from jobs.classification import classify
from jobs.errors import PostponedError
from jobs.pacing.dials import dials_of
from jobs.payloads.masked import secrets_of_payload
from jobs.payloads.redaction import LONGEST_MESSAGE, redact
from jobs.postgres.advisory_locks import slot
from jobs.types.contained import Bounds, CannotStartError, ContainedError, ProcessEndedError, contained
from reports.cells import large_cells_named
from reports.open_query import ReportQuery
from reports.ordering import reopen_order
from reports.source import database_to_read
from reports.types import REPORT_TYPES, ReportType
from tabular.copy_stream import copy_rows
from tabular.dialect import Dialect
from tabular.encoding import joined

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = structlog.get_logger(__name__)

MOST_ROWS: Final = 20
#: What a preview may take besides its longest statement: to connect, to make the query and to plan it. Seconds.
BESIDE_STATEMENT_SECONDS: Final = 3
#: Failures of the type's code or its process, which the report would share, in words for whoever asks for a preview.
FAILURES_OF_CODE: Final = {
    "internal-error": "An unexpected error occurred. Its details are kept for the administrators.",
    "out-of-memory": "The report type needs more memory than a preview may take.",
    "worker-lost": "The report type ended the process that makes previews. It would end a worker, too.",
}
#: Rows are left out from where all of them together are longer.
MOST_BYTES: Final = 256 * 1024
# As long may one cell be. The limit is the process's, 131,072 characters at first, so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), MOST_BYTES))


class PreviewUnavailableError(Exception):
    """There is no preview now; the report can be ordered all the same. `retry_after` in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PreviewFailedError(Exception):
    """The query of the report fails, and so would the report."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Preview:
    """The headings, and the first rows as the file would have them; None where they take too long to compute.

    `truncated`: fewer than there are, maybe none, as they are too long to show. `row_count`: how many there are at the
    moment, where all of them fit. `estimated_rows` is the same then; else None where nobody knows.
    """

    columns: list[str]
    estimated_rows: int | None
    rows: list[list[str]] | None
    truncated: bool = False
    row_count: int | None = None


def preview_report(payload: dict[str, Any], *, owner: AbstractBaseUser) -> Preview:
    """Of a valid order, as `reports.ordering.valid_payload` gives it.

    At most PREVIEWS_AT_ONCE run, each statement for PREVIEW_TIMEOUT_SECONDS. The type's code runs in a process of its
    own (`jobs.types.contained`). Raises PreviewUnavailableError, or PreviewFailedError with what the owner of such a
    report would be told.
    """
    with slot("preview", of=settings.PREVIEWS_AT_ONCE) as is_free:
        if not is_free:
            raise PreviewUnavailableError("Too many previews are running at the moment.", retry_after=2)
        alias = _database(REPORT_TYPES.find(payload["reportType"]))
        bounds = Bounds(
            seconds=settings.PREVIEW_TIMEOUT_SECONDS + BESIDE_STATEMENT_SECONDS,
            memory_bytes=settings.PREVIEW_MEMORY_MB * 1024**2,
        )
        try:
            answer = contained("reports.previewing.read_preview", payload, owner, alias, bounds=bounds)
        except ContainedError as error:
            _tell_contained(payload, error)
    if failure := answer.get("failure"):
        _tell_failure(payload, failure)
    return Preview(**answer)


def _tell_failure(payload: dict[str, Any], failure: dict[str, Any]) -> NoReturn:
    code, detail = failure["code"], failure["detail"]
    logger.warning("preview_failed", report_type=payload["reportType"], code=code, error=failure["complaint"])
    if failure["permanent"] or code in FAILURES_OF_CODE:
        raise PreviewFailedError(code, FAILURES_OF_CODE.get(code, detail))
    raise PreviewUnavailableError(detail, retry_after=10)


def _tell_contained(payload: dict[str, Any], error: ContainedError) -> NoReturn:
    logger.warning("preview_failed", report_type=payload["reportType"], error=str(error))
    if isinstance(error, ProcessEndedError):
        raise PreviewFailedError("worker-lost", FAILURES_OF_CODE["worker-lost"]) from None
    said = "could not be started" if isinstance(error, CannotStartError) else "took too long"
    raise PreviewUnavailableError(f"The preview {said}. The report can be ordered all the same.", retry_after=10)


def read_preview(payload: dict[str, Any], owner: AbstractBaseUser, alias: str) -> dict[str, Any]:
    """In a process of its own: the members of a Preview, or `failure`: what is told and what is logged of an error."""
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
    with ReportQuery(report_type, parameters, owner).open(
        alias, application_name="longhaul preview", statement_timeout_seconds=settings.PREVIEW_TIMEOUT_SECONDS
    ) as query:
        statement, headings = query.copy_statement(dialect, most_rows=MOST_ROWS), query.headings
        expected = query.expected_rows()
        try:
            with large_cells_named(headings):
                lines, truncated = _first_lines(query.connection, statement)
        except psycopg.errors.QueryCanceled:  # the statement timeout
            return Preview(headings, expected, None)
        rows = _rows_of(lines, dialect)
        if len(rows) < MOST_ROWS and not truncated:
            return Preview(headings, len(rows), rows, row_count=len(rows))
        return Preview(headings, expected, rows, truncated)


def _database(report_type: ReportType | None) -> str:
    try:
        if report_type is None:  # it was there when the order was validated
            raise LookupError
        dials = dials_of(
            REPORT_TYPES.queue_of(report_type),
            kind=REPORT_TYPES.kind,
            type=report_type.identifier,
            defaults=report_type.dials,
        )
        if dials.queue_paused or dials.type_paused:
            raise PreviewUnavailableError("Reports of this type are paused at the moment.", retry_after=30)
        return database_to_read(dials, report_type.without_replica, notes={})
    except (LookupError, PostponedError):
        raise PreviewUnavailableError("The database of this report cannot be read now.", retry_after=10) from None


def _first_lines(connection: psycopg.Connection[object], statement: str) -> tuple[list[bytes], bool]:
    lines: list[bytes] = []
    with closing(copy_rows(connection, statement, check=lambda: None, chunk_bytes=lambda: 1)) as chunks:
        for chunk in chunks:
            lines += chunk
            if sum(map(len, lines)) > MOST_BYTES:
                return lines[:-1], True
    return lines, False


def _rows_of(lines: list[bytes], dialect: Dialect) -> list[list[str]]:
    """An empty line is the NULL of a single column, which Python's reader takes for a row without any."""
    text = io.StringIO(joined(dialect)(lines).decode(), newline="")
    return [row or [""] for row in csv.reader(text, delimiter=dialect.delimiter)]
