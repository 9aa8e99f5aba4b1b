"""What a developer writes to add a report: one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from django.db.models import QuerySet

from jobs.inspection import TypeDefaults
from jobs.types.base import JobType, NoParameters
from jobs.types.registry import TypeRegistry
from reports.filenames import default_name

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.utils.functional import _StrOrPromise

__all__ = ["REPORT_TYPES", "SQL", "NoParameters", "ReportType", "register"]


@dataclass(frozen=True)
class SQL:
    """A query as text, with `%s` or `%(name)s` for its parameters, which are bound safely.

    With parameters, write a literal percent sign as `%%`; without (`params=None`), as it is.
    """

    text: str
    params: Sequence[Any] | Mapping[str, Any] | None = None


class ReportType(JobType):
    """One sort of report. Subclass it in an app's `report_types.py` and decorate it with `@register`.

    One instance is made and shared by all threads: keep no state in it.
    """

    #: Column of the query → heading. Columns that are not named here keep the query's name.
    columns: ClassVar[Mapping[str, _StrOrPromise]] = {}
    #: While the replica is down or too far behind: "wait" for it, or read the "primary".
    without_replica: ClassVar[Literal["wait", "primary"]] = "wait"
    #: How fast it is read, in rows per second; None leaves it to the queue's row.
    rows_per_second: ClassVar[int | None] = None
    #: "auto": slower while the database is busy; "fixed"; None leaves it to the queue's row.
    pace: ClassVar[Literal["fixed", "auto"] | None] = None
    #: When its statement is ended; None leaves it to the queue's row. Seconds.
    statement_timeout_seconds: ClassVar[int | None] = None

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> QuerySet[Any, Any] | SQL:
        """What the report contains, for validated `parameters` and the user who ordered it.

        A QuerySet with `values()` or `values_list()`, or `SQL`. It is run as `COPY (…) TO STDOUT` in
        a read-only transaction. Ordering is the query's own.
        """
        raise NotImplementedError

    @property
    def dials(self) -> TypeDefaults:
        """What the class says about dials, all of it at once."""
        return TypeDefaults(
            rows_per_second=self.rows_per_second,
            pace=self.pace,
            statement_timeout_seconds=self.statement_timeout_seconds,
            database=self.database,
        )

    def estimate(self, parameters: dict[str, Any], user: AbstractBaseUser) -> int | None:
        """How many rows to expect, for the progress; None asks PostgreSQL's planner."""
        return None

    def filename(self, parameters: dict[str, Any]) -> str:
        """The name of the downloaded file, without its extension. What is unsafe in it, or secret, is removed."""
        return default_name(type(self), parameters)


REPORT_TYPES: Final = TypeRegistry("report", ReportType)
register = REPORT_TYPES.register
