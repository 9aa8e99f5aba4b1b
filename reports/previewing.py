"""Preview the number of rows and the first rows of an order, within a request.

The type's code runs in a separate process with limits, so a preview that hangs or crashes does not harm the web server.
The dials of the report apply: while its queue or type is paused, there is no preview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog
from django.conf import settings
from django.utils.translation import gettext_noop as _

from jobs.errors import PostponedError
from jobs.pacing.dials import dials_of
from jobs.postgres.advisory_locks import slot
from jobs.types.contained import Bounds, CannotStartError, ContainedError, ProcessEndedError, contained
from reports.sampling import Preview
from reports.source import database_to_read
from reports.types import REPORT_TYPES, ReportType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = structlog.get_logger(__name__)

#: The time for connecting, building the query and planning it, in addition to the longest statement. Seconds.
BESIDE_STATEMENT_SECONDS: Final = 3
#: Details for failures of the type's code or process, which would also make the report fail.
FAILURES_OF_CODE: Final = {
    "internal-error": "An unexpected error occurred. Its details are kept for the administrators.",
    "out-of-memory": "The report type needs more memory than a preview may use.",
    "worker-lost": "The report type crashed the process of the preview. It would also crash a worker.",
}


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


def preview_report(payload: dict[str, Any], *, owner: AbstractBaseUser) -> Preview:
    """Preview a valid order, given as the payload from `reports.ordering.valid_payload`.

    At most PREVIEWS_AT_ONCE run at once, each statement for at most PREVIEW_TIMEOUT_SECONDS. Raises
    PreviewUnavailableError, or PreviewFailedError with the code and detail that the failed report would have.
    """
    with slot("preview", of=settings.PREVIEWS_AT_ONCE) as is_free:
        if not is_free:
            raise PreviewUnavailableError(_("Too many previews are running at the moment."), retry_after=2)
        alias = _database(REPORT_TYPES.find(payload["reportType"]))
        bounds = Bounds(
            seconds=settings.PREVIEW_TIMEOUT_SECONDS + BESIDE_STATEMENT_SECONDS,
            memory_bytes=settings.PREVIEW_MEMORY_MB * 1024**2,
        )
        try:
            answer = contained("reports.sampling.read_preview", payload, owner, alias, bounds=bounds)
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
    reason = _("The preview took too long.")
    if isinstance(error, CannotStartError):
        reason = _("The preview could not be started.")
    raise PreviewUnavailableError(reason, retry_after=10)


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
            raise PreviewUnavailableError(_("Reports of this type are paused at the moment."), retry_after=30)
        return database_to_read(dials, report_type.without_replica, notes={})
    except (LookupError, PostponedError):
        raise PreviewUnavailableError(_("The database of this report is not available now."), retry_after=10) from None
