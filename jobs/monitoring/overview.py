"""The state of the service in numbers: each queue, its last hour and day, and each sweep.

The cost does not depend on the number of jobs: counts end at `BOUND`, or at `max_queued`, up to which each
order counts anyway. Charts read what `jobs.maintenance.activity` has counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from jobs.maintenance.schedules import fault_of_schedule
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Activity, Sweep
from jobs.models.queue_conditions import DUE_SQL, HANDED_OUT_SQL, QUEUED_SQL, RUNNING_SQL, SCHEDULED_SQL, WAITING_SQL
from jobs.states import Outcome

#: Jobs are counted up to this number.
BOUND: Final = 10_000
#: A sweep is late after this many of its periods plus these seconds.
LATE_PERIODS: Final = 4
LATE_SECONDS: Final = 30

GOOD: Final = frozenset({Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.HANDED_BACK})

#: All queues in one query. Each count reads part of an index, up to the bound.
FIGURES: Final = f"""
    SELECT name, paused, accepting, max_running, max_running_per_owner, max_queued,
        (SELECT count(*) FROM (
            SELECT FROM jobs_job WHERE queue = name AND {WAITING_SQL} LIMIT %(bound)s
        ) AS job),
        (SELECT count(*) FROM jobs_job WHERE queue = name AND {RUNNING_SQL}),
        (SELECT count(*) FROM jobs_job WHERE queue = name AND {RUNNING_SQL} AND lease_expires_at < now()),
        (SELECT count(*) FROM jobs_job WHERE queue = name AND {HANDED_OUT_SQL}),
        (SELECT extract(epoch FROM now() - min(released_at))::float FROM jobs_job
         WHERE queue = name AND {HANDED_OUT_SQL}),
        (SELECT count(*) FROM (
            SELECT FROM jobs_job WHERE queue = name AND state = 'failed' LIMIT %(bound)s
        ) AS job),
        (SELECT count(*) FROM (SELECT FROM jobs_job WHERE queue = name AND state = 'dead' LIMIT %(bound)s) AS job),
        (SELECT extract(epoch FROM now() - coalesce(scheduled_at, created_at))::float FROM jobs_job
         WHERE queue = name AND {DUE_SQL}
         ORDER BY finished_at, id LIMIT 1),
        (SELECT count(*) FROM (
            SELECT FROM jobs_job WHERE queue = name AND {QUEUED_SQL}
            LIMIT coalesce(max_queued, 0)
        ) AS job)
    FROM jobs_queue ORDER BY name
"""  # noqa: S608

#: The types that are paused, closed or limited, each with its queued jobs, counted up to its limit or the bound.
TYPES: Final = f"""
    SELECT own.id, own.type, own.paused, own.accepting, own.max_queued, (
        SELECT count(*) FROM (
            SELECT job.* FROM jobs_queue, LATERAL (
                (SELECT FROM jobs_job WHERE queue = name AND kind = own.kind AND type = own.type
                 AND {WAITING_SQL} LIMIT greatest(own.max_queued, %(bound)s))
                UNION ALL
                (SELECT FROM jobs_job WHERE queue = name AND kind = own.kind AND type = own.type
                 AND {HANDED_OUT_SQL} LIMIT greatest(own.max_queued, %(bound)s))
                UNION ALL
                (SELECT FROM jobs_job WHERE queue = name AND kind = own.kind AND type = own.type
                 AND {SCHEDULED_SQL} LIMIT greatest(own.max_queued, %(bound)s))
            ) AS job LIMIT greatest(own.max_queued, %(bound)s)
        ) AS queued
    )
    FROM jobs_typedials AS own WHERE paused OR NOT accepting OR max_queued IS NOT NULL ORDER BY kind, type
"""  # noqa: S608


@dataclass(frozen=True)
class Span:
    """Attempts that ended within a span of time: `succeeded` and `failed` for each step, oldest first."""

    succeeded: list[int]
    failed: list[int]

    @property
    def attempts(self) -> int:
        """All attempts."""
        return sum(self.succeeded) + sum(self.failed)

    @property
    def failure_rate(self) -> float:
        """Share of failed attempts, 0 to 1."""
        return sum(self.failed) / self.attempts if self.attempts else 0.0


@dataclass
class QueueFigures:
    """One queue. Counts end at `BOUND`; `oldest_wait` and `oldest_handed_out` are in seconds."""

    name: str
    paused: bool
    accepting: bool
    max_running: int | None
    max_running_per_owner: int | None
    max_queued: int | None
    waiting: int
    running: int
    orphaned: int
    handed_out: int
    oldest_handed_out: float | None
    failed: int
    dead: int
    oldest_wait: float | None
    #: Waiting, handed out and scheduled jobs, counted up to `max_queued`; 0 without that limit.
    queued: int
    #: The last hour in minutes, and the last day in half hours.
    hour: Span = field(default_factory=lambda: Span([0] * 60, [0] * 60))
    day: Span = field(default_factory=lambda: Span([0] * 48, [0] * 48))

    @property
    def is_full(self) -> bool:
        """Whether it will refuse the next order."""
        return self.max_queued is not None and self.queued >= self.max_queued


@dataclass(frozen=True)
class TypeState:
    """One type whose dials can block its orders or its jobs."""

    pk: int
    type: str
    paused: bool
    accepting: bool
    max_queued: int | None
    queued: int


def type_states() -> list[TypeState]:
    """All types that are paused, closed or limited, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(TYPES, {"bound": BOUND})
        return [TypeState(*row) for row in cursor.fetchall()]


def queue_states() -> list[QueueFigures]:
    """The current figures of all queues, in one query, without their last hour and day."""
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, {"bound": BOUND})
        return [QueueFigures(*row) for row in cursor.fetchall()]


def queue_figures() -> list[QueueFigures]:
    """All queues, with their last hour and day, in two queries."""
    figures = queue_states()
    now = timezone.now()
    by_name = {queue.name: queue for queue in figures}
    rows = Activity.objects.filter(minute__gte=now - timedelta(days=1))
    for name, minute, outcome, attempts in rows.values_list("queue", "minute", "outcome", "attempts").iterator():
        if name in by_name:
            _add(by_name[name], now - minute, Outcome(outcome), attempts)
    return figures


def _add(queue: QueueFigures, ago: timedelta, outcome: Outcome, attempts: int) -> None:
    for span, steps, length in ((queue.hour, 60, 60.0), (queue.day, 48, 1800.0)):
        step = int(ago.total_seconds() // length)
        if 0 <= step < steps:
            (span.succeeded if outcome in GOOD else span.failed)[steps - 1 - step] += attempts


@dataclass(frozen=True)
class SweepState:
    """When a sweep last ran, and whether that is too long ago. `period` and `age` are in seconds."""

    name: str
    period: int
    age: float
    last_finished_at: datetime | None
    handled: int
    handled_ever: int
    error: str
    is_late: bool


def sweep_states() -> list[SweepState]:
    """All sweeps whose schedules are on, in three queries."""
    rows = {row.name: row for row in Sweep.objects.all()}
    upgrades = MigrationRecorder.Migration.objects.filter(app="jobs").aggregate(last=Max("applied"))
    scheduled = PeriodicTask.objects.filter(
        task__in=[sweep.task for sweep in SWEEPS.values()], enabled=True
    ).select_related("interval")
    # Only the columns that are needed: others may contain values that no Python type can represent.
    tasks = {task.task: task for task in scheduled.only("task", "interval").order_by("pk")}
    return [
        _sweep_state(sweep.name, _period(tasks[sweep.task], sweep.every_seconds), rows, upgrades["last"])
        for sweep in SWEEPS.values()
        if sweep.task in tasks
    ]


def _period(task: PeriodicTask, seeded: int) -> int:
    """In seconds. A sweep without an interval that Beat can run is judged by its seeded interval."""
    if task.interval is None or fault_of_schedule(task.interval):
        return seeded
    every: float = task.interval.schedule.run_every.total_seconds()
    return round(every)


def _sweep_state(name: str, period: int, rows: Mapping[str, Sweep], upgraded_at: datetime) -> SweepState:
    """A sweep that has never run is late if it could have run since the last upgrade."""
    row = rows.get(name) or Sweep(name=name, last_started_at=upgraded_at)
    age = (timezone.now() - (row.last_finished_at or upgraded_at)).total_seconds()
    late = age > LATE_PERIODS * period + LATE_SECONDS
    return SweepState(
        name, period, age, row.last_finished_at, row.last_handled, row.handled, row.last_error, is_late=late
    )


def seconds_since_beat() -> float | None:
    """Since Beat last sent a message, as far as it has recorded that; None if it never has."""
    last = PeriodicTask.objects.filter(last_run_at__lte=timezone.now()).aggregate(last=Max("last_run_at"))["last"]
    return None if last is None else max(0.0, (timezone.now() - last).total_seconds())


def capped(count: int) -> str:
    """`1,234`, or `10,000 or more`."""
    return f"{count:,} or more" if count >= BOUND else f"{count:,}"
