"""The base class of report types. To add a report, a developer writes one subclass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from django.db.models import QuerySet

from jobs.inspection import TypeDefaults
from jobs.types.base import JobType, NoParameters
from jobs.types.registry import TypeRegistry
from reports.charts import Chart
from reports.filenames import default_name

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.utils.functional import _StrOrPromise

__all__ = ["REPORT_TYPES", "SQL", "Chart", "NoParameters", "ReportType", "register"]


@dataclass(frozen=True)
class SQL:
    """A query as text with safely bound parameters: `%s` or `%(name)s`.

    Write a literal percent sign as `%%` if there are parameters, and as `%` if there are none (`params=None`).
    """

    text: str
    params: Sequence[Any] | Mapping[str, Any] | None = None


class ReportType(JobType):
    """One type of report. Subclass it in an app's `report_types.py` and decorate the subclass with `@register`.

    All threads share one instance: keep no state in it.
    """

    #: Column of the query → heading. Other columns keep the query's name.
    columns: ClassVar[Mapping[str, _StrOrPromise]] = {}
    #: The chart on the page of a complete report.
    chart: ClassVar[Chart | None] = None
    #: All columns of the query, in its order, if each order has the same: users then see and choose them before they
    #: order. Empty: unknown.
    query_columns: ClassVar[Sequence[str]] = ()
    #: While the replica is down or too far behind: "wait" for it, or read the "primary".
    without_replica: ClassVar[Literal["wait", "primary"]] = "wait"
    #: Maximum reading speed in rows per second; None: the queue's setting.
    rows_per_second: ClassVar[int | None] = None
    #: "auto": slower while the database is busy; "fixed"; None: the queue's setting.
    pace: ClassVar[Literal["fixed", "auto"] | None] = None
    #: Timeout of the query; None: the queue's setting.
    statement_timeout_seconds: ClassVar[int | None] = None

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> QuerySet[Any, Any] | SQL:
        """The query for validated `parameters` and the user who ordered the report.

        Return a QuerySet with `values()` or `values_list()`, or `SQL`. It runs as `COPY (…) TO STDOUT` in a read-only
        transaction. Rows keep the order of the query.
        """
        raise NotImplementedError

    @property
    def dials(self) -> TypeDefaults:
        """The dials that the class sets."""
        return TypeDefaults(
            rows_per_second=self.rows_per_second,
            pace=self.pace,
            statement_timeout_seconds=self.statement_timeout_seconds,
            database=self.database,
        )

    def heading_of(self, column: str) -> str:
        """The heading of a column of the query."""
        return str(self.columns.get(column, column))

    @property
    def known_headings(self) -> list[str]:
        """The headings in the current language, without asking the query; empty if unknown."""
        return [self.heading_of(column) for column in self.query_columns]

    def estimate(self, parameters: dict[str, Any], user: AbstractBaseUser) -> int | None:
        """The expected number of rows, for the progress; None: ask PostgreSQL's planner."""
        return None

    def filename(self, parameters: dict[str, Any]) -> str:
        """The name of the downloaded file without its extension. Unsafe characters and secrets are removed."""
        return default_name(type(self), parameters)


REPORT_TYPES: Final = TypeRegistry("report", ReportType)
register = REPORT_TYPES.register
