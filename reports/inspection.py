"""Information about the payload of a report for staff pages, in addition to that of every kind with types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from jobs.models import Job
from jobs.pacing.dials import dials_for
from jobs.types.inspector import TypedInspector
from reports.expectation import planned_rows
from reports.open_query import ReportQuery
from reports.ordering import reopen_order
from reports.types import ReportType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: EXPLAIN does not run the query, but a lock may still block it. Seconds.
EXPLAIN_TIMEOUT_SECONDS: Final = 2


class ReportInspector(TypedInspector[ReportType]):
    """Adds the planner's cost estimate."""

    knows_cost = True

    def cost(self, job: Job) -> str | None:
        """The planner's estimate of rows and cost, and the tables that it would scan."""
        owner = cast("AbstractBaseUser", job.owner)
        report_type, parameters = reopen_order(job.payload, owner)
        with ReportQuery(report_type, parameters, owner).open(
            dials_for(job, report_type.dials).database,
            application_name="longhaul explain",
            statement_timeout_seconds=EXPLAIN_TIMEOUT_SECONDS,
        ) as query:
            plan = query.explain()
        scanned = [f"{node['Plan Rows']:,} rows of {node['Relation Name']}" for node in _sequential_scans(plan)]
        scans = f" It would scan {' and '.join(scanned)} sequentially." if scanned else ""
        rows = planned_rows(plan)
        says = "cannot estimate the number of groups and expects" if rows is None else f"expects about {rows:,} rows at"
        return f"PostgreSQL {says} a cost of {plan['Total Cost']:,.0f}.{scans}"


def _sequential_scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan["Node Type"] == "Seq Scan":
        yield plan
    for node in plan.get("Plans", []):
        yield from _sequential_scans(node)
