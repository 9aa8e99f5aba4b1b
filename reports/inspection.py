"""What the staff's pages ask about the payload of a report, beside what they ask about any kind with types."""

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

#: PostgreSQL's planner is asked, and nothing is run; a lock may still keep it waiting. Seconds.
EXPLAIN_TIMEOUT_SECONDS: Final = 2


class ReportInspector(TypedInspector[ReportType]):
    """PostgreSQL's planner knows what a report costs."""

    knows_cost = True

    def cost(self, job: Job) -> str | None:
        """What PostgreSQL's planner expects of the query."""
        owner = cast("AbstractBaseUser", job.owner)
        report_type, parameters = reopen_order(job.payload, owner)
        with ReportQuery(report_type, parameters, owner).open(
            dials_for(job, report_type.dials).database,
            application_name="longhaul explain",
            statement_timeout_seconds=EXPLAIN_TIMEOUT_SECONDS,
        ) as query:
            plan = query.explain()
        read = [f"{node['Plan Rows']:,} rows of {node['Relation Name']}" for node in _sequential_scans(plan)]
        scans = f" It reads {' and '.join(read)} from end to end." if read else ""
        rows = planned_rows(plan)
        expected = (
            "cannot tell how many groups there are, and plans" if rows is None else f"expects about {rows:,} rows"
        )
        return f"PostgreSQL {expected} at a cost of {plan['Total Cost']:,.0f}.{scans}"


def _sequential_scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan["Node Type"] == "Seq Scan":
        yield plan
    for node in plan.get("Plans", []):
        yield from _sequential_scans(node)
