"""The kind `report` and its handler."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import translation
from rest_framework.exceptions import ValidationError

from jobs.context import JobContext
from jobs.errors import PermanentError
from jobs.http.problems import pointers
from jobs.kinds import Kind, QueueDials, Scopes
from jobs.payloads.masking import is_sensitive
from jobs.types.registry import UnknownTypeError
from reports.export import export_report
from reports.inspection import ReportInspector
from reports.ordering import ORDERING, reopen_order
from reports.types import REPORT_TYPES
from tabular.dialect import Dialect


def run_report(context: JobContext) -> dict[str, Any]:
    """Run one attempt of a report. The order is validated again, because the type may have changed since."""
    payload = context.job.payload
    owner = cast("AbstractBaseUser", context.job.owner)
    try:
        report_type, parameters = reopen_order(payload, owner)
    except UnknownTypeError:
        raise PermanentError(
            f"The report type {payload['reportType']} no longer exists, or the owner may no longer order it.",
            code="unknown-report-type",
        ) from None
    except ValidationError as error:
        detail = f"The parameters are no longer valid. {_in_words(error)}"
        raise PermanentError(detail, code="invalid-parameters") from None
    with translation.override(payload.get("language")):
        return export_report(context, report_type, parameters, Dialect.from_payload(payload["csv"]))


def _in_words(error: ValidationError) -> str:
    """`year: This field is required.` A secret's name comes last: redaction masks what follows `password:`."""
    words = []
    for mistake in pointers(error.detail):
        field, detail = mistake["pointer"].removeprefix("#").strip("/"), mistake["detail"]
        words.append(
            f"{detail.rstrip('.')} ({field})." if is_sensitive(field) else f"{field}: {detail}" if field else detail
        )
    return " ".join(words)


#: A query may compute for a long time before its first row; its statement timeout is a dial of the queue.
REPORT: Final = Kind(
    name=REPORT_TYPES.kind,
    queue="reports",
    queue_dials=QueueDials(),
    handler=run_report,
    stall_timeout_seconds=3600,
    inspector=ReportInspector(ORDERING),
    scopes=Scopes(
        read="reports:read",
        write="reports:order",
        read_allows="see and download reports",
        write_allows="order, cancel and delete reports",
    ),
    result_url="report-download",
)
