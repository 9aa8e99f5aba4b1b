"""Preview the number of rows and the first rows of an order, within a request.

The type's code runs in a separate process with limits, so a preview that hangs or crashes does not harm the web server.
The dials of the report apply: while its queue or type is paused, there is no preview.
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
#: The time for connecting, building the query and planning it, in addition to the longest statement. Seconds.
BESIDE_STATEMENT_SECONDS: Final = 3
#: Details for failures of the type's code or process, which would also make the report fail.
FAILURES_OF_CODE: Final = {
    "internal-error": "An unexpected error occurred. Its details are kept for the administrators.",
    "out-of-memory": "The report type needs more memory than a preview may use.",
    "worker-lost": "The report type crashed the process of the preview. It would also crash a worker.",
}
#: Rows beyond this total size are omitted.
MOST_BYTES: Final = 256 * 1024
# A single cell may be as large. The limit is one per process (default: 131,072 characters), so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), MOST_BYTES))


class PreviewUnavailableError(Exception):
    """No preview is possible now; the report can still be ordered. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PreviewFailedError(Exception):
    """The query fails, as the report would."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Preview:
    """The headings, and the first rows as they would appear in the file; None if they take too long to compute.

    `truncated`: rows, possibly all, were omitted because of MOST_BYTES. `row_count`: the current number of rows if all
    are shown, and equal to `estimated_rows` then.
    """

    columns: list[str]
    estimated_rows: int | None
    rows: list[list[str]] | None
    truncated: bool = False
    row_count: int | None = None


def preview_report(payload: dict[str, Any], *, owner: AbstractBaseUser) -> Preview:
    """Preview a valid order, given as the payload from `reports.ordering.valid_payload`.

    At most PREVIEWS_AT_ONCE run at once, each statement for at most PREVIEW_TIMEOUT_SECONDS. Raises
    PreviewUnavailableError, or PreviewFailedError with the code and detail that the failed report would have.
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
            _raise_contained(payload, error)
    if failure := answer.get("failure"):
        _raise_failure(payload, failure)
    return Preview(**answer)


def _raise_failure(payload: dict[str, Any], failure: dict[str, Any]) -> NoReturn:
    code, detail = failure["code"], failure["detail"]
    logger.warning("preview_failed", report_type=payload["reportType"], code=code, error=failure["complaint"])
    if failure["permanent"] or code in FAILURES_OF_CODE:
        raise PreviewFailedError(code, FAILURES_OF_CODE.get(code, detail))
    raise PreviewUnavailableError(detail, retry_after=10)


def _raise_contained(payload: dict[str, Any], error: ContainedError) -> NoReturn:
    logger.warning("preview_failed", report_type=payload["reportType"], error=str(error))
    if isinstance(error, ProcessEndedError):
        raise PreviewFailedError("worker-lost", FAILURES_OF_CODE["worker-lost"]) from None
    reason = "could not be started" if isinstance(error, CannotStartError) else "took too long"
    raise PreviewUnavailableError(f"The preview {reason}.", retry_after=10)


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
        if report_type is None:  # it existed when the order was validated
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
        raise PreviewUnavailableError("The database of this report is not available now.", retry_after=10) from None


def _first_lines(connection: psycopg.Connection[object], statement: str) -> tuple[list[bytes], bool]:
    lines: list[bytes] = []
    with closing(copy_rows(connection, statement, check=lambda: None, chunk_bytes=lambda: 1)) as chunks:
        for chunk in chunks:
            lines += chunk
            if sum(map(len, lines)) > MOST_BYTES:
                return lines[:-1], True
    return lines, False


def _rows_of(lines: list[bytes], dialect: Dialect) -> list[list[str]]:
    """Parse the lines. Python's reader makes no cells of an empty line, which is the NULL of a single column."""
    text = io.StringIO(joined(dialect)(lines).decode(), newline="")
    return [row or [""] for row in csv.reader(text, delimiter=dialect.delimiter)]
