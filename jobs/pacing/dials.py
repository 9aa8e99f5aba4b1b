"""The dials that apply to one job: those of its type where they are set, else those of its queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jobs.inspection import TypeDefaults
from jobs.models.queues import Pace
from jobs.pacing.replica import alias_to_read
from jobs.postgres.statements import fetch_all, fetch_all_over

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from jobs.models import Job

#: Both rows in one round trip, which is repeated while a job runs.
DIALS: Final = """
    SELECT
        coalesce(own.rows_per_second, %(rows_per_second)s::int, queue.rows_per_second) AS rows_per_second,
        coalesce(nullif(own.pace, ''), %(pace)s::text, queue.pace) AS pace,
        coalesce(own.statement_timeout_seconds, %(statement_timeout_seconds)s::int, queue.statement_timeout_seconds)
            AS statement_timeout_seconds,
        coalesce(nullif(own.database, ''), %(database)s::text, nullif(queue.database, '')) AS database,
        queue.paused AS queue_paused,
        own.paused IS true AS type_paused,
        queue.target_busy_percent,
        queue.target_active_sessions,
        queue.target_latency_milliseconds,
        queue.max_lag_seconds
    FROM jobs_queue AS queue LEFT JOIN jobs_typedials AS own ON own.kind = %(kind)s::text AND own.type = %(type)s::text
    WHERE queue.name = %(queue)s::text
"""


@dataclass(frozen=True)
class Dials:
    """The current values; None is no limit."""

    rows_per_second: int | None
    pace: Pace
    statement_timeout_seconds: int | None
    database: str
    queue_paused: bool
    type_paused: bool
    target_busy_percent: int | None
    target_active_sessions: int | None
    target_latency_milliseconds: int | None
    max_lag_seconds: int | None


def dials_of(
    queue: str,
    *,
    kind: str,
    type: str,  # noqa: A002
    defaults: TypeDefaults,
    over: BaseDatabaseWrapper | None = None,
) -> Dials:
    """The operator's row for the type takes precedence over the type's class, and both over the queue.

    They are read over Django's connection, or `over` another one. Raises LookupError if the queue no longer exists.
    """
    parameters = {"queue": queue, "kind": kind, "type": type, **vars(defaults)}
    for row in fetch_all_over(over, DIALS, **parameters) if over else fetch_all(DIALS, **parameters):
        return Dials(**{**row, "pace": Pace(row["pace"]), "database": row["database"] or alias_to_read()})
    raise LookupError(f"there is no queue named {queue!r}")


def dials_for(job: Job, defaults: TypeDefaults, *, over: BaseDatabaseWrapper | None = None) -> Dials:
    """The dials of the job's queue, kind and type. Raises as `dials_of` does."""
    return dials_of(job.queue, kind=job.kind, type=job.type, defaults=defaults, over=over)
