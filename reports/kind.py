"""The kind `report` and its handler."""

from __future__ import annotations

from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from jobs.context import JobContext
from jobs.kinds import Kind, QueueDials, Scopes
from jobs.types.reopening import reopen_to_run
from jobs.types.scheduling import TypedOrders
from reports.export import export_report
from reports.inspection import ReportInspector
from reports.ordering import ORDERING
from reports.remedies import REMEDIES_OF_REPORTS
from reports.types import REPORT_TYPES
from tabular.dialect import Dialect


def run_report(context: JobContext) -> dict[str, Any]:
    """Run one attempt of a report. The order is validated again, because the type may have changed since."""
    payload = context.job.payload
    report_type, parameters = reopen_to_run(ORDERING, context.job, code="unknown-report-type")
    with translation.override(payload.get("language")):
        dialect = Dialect.from_payload(payload["csv"])
        return export_report(context, report_type, parameters, dialect, chosen=payload.get("columns"))


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
        read_allows=_("see and download reports"),
        write_allows=_("order, cancel and delete reports"),
    ),
    result_url="report-download",
    remedies=REMEDIES_OF_REPORTS,
    scheduled_orders=TypedOrders(ORDERING),
)
