"""The expected number of rows of a report: from its type, PostgreSQL's planner, or earlier runs; never invented."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jobs.estimates.estimate import usual_rows
from reports.types import REPORT_TYPES, ReportType

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

#: Plan nodes that form groups or remove duplicates. The planner estimates their number from the distinct values of each
#: column, as if columns were independent, and may be off by a factor of 1,000
#: (https://www.postgresql.org/docs/current/row-estimation-examples.html).
GROUPING: Final = frozenset({"Aggregate", "Group", "Unique", "SetOp", "Recursive Union"})
#: Parts of a plan that compute a value and yield no rows of the result.
BESIDE_ROWS: Final = frozenset({"InitPlan", "SubPlan"})


class Source(StrEnum):
    """Who expects a number of rows."""

    TYPE = "type"
    PLANNER = "planner"
    HISTORY = "history"


class Expected(NamedTuple):
    """A number of rows, and who expects it."""

    rows: int
    source: Source


def expected_rows(
    report_type: ReportType, parameters: dict[str, Any], user: AbstractBaseUser, *, plan: Callable[[], dict[str, Any]]
) -> Expected | None:
    """The type's own estimate, else the planner's if it can be trusted, else that of earlier runs; None if unknown."""
    estimate = report_type.estimate(parameters, user)
    if estimate is not None:
        return Expected(int(estimate), Source.TYPE)  # a sum may be a Decimal
    planned = planned_rows(plan())
    if planned is not None:
        return Expected(planned, Source.PLANNER)
    usual = usual_rows(REPORT_TYPES.kind, report_type.identifier)
    return None if usual is None else Expected(usual, Source.HISTORY)


def planned_rows(plan: dict[str, Any]) -> int | None:
    """The planner's estimate for the topmost node; None if it depends on a number of groups."""
    return None if _depends_on_groups(plan) else int(plan["Plan Rows"])


def _depends_on_groups(node: dict[str, Any]) -> bool:
    if node["Node Type"] == "Aggregate" and node.get("Strategy") == "Plain":
        return False  # always one row
    if node["Node Type"] in GROUPING:
        return True
    return any(_depends_on_groups(part) for part in node.get("Plans", []) if _yields_rows(part))


def _yields_rows(part: dict[str, Any]) -> bool:
    """Whether rows of this part can reach the result. A common table expression is an InitPlan, but its rows do."""
    return part.get("Parent Relationship") not in BESIDE_ROWS or part.get("Subplan Name", "").startswith("CTE ")
