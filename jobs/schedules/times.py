"""The times of a schedule: which come next, and which one of those that have passed is to run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from jobs.models import Schedule
from jobs.schedules.recurrence import Recurrence, run_times

#: How many times that were missed in an outage the history shows, the latest ones.
MOST_MISSED: Final = 100
#: Times that were missed longer ago are not looked at. Longer than any period of a schedule that is in use is not
#: needed: only the latest time runs.
LONGEST_OUTAGE: Final = timedelta(days=31)


class Passed(NamedTuple):
    """Times of a schedule that have passed: those that were missed, the latest, which is to run, and the next one."""

    missed: list[datetime]
    latest: datetime
    next: datetime | None


def database_now() -> datetime:
    """The time of the database, with which all times of schedules are compared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        [now] = cursor.fetchone()
    return now  # type: ignore[no-any-return]


def times_from(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The times of a schedule that are not before `start`, in UTC."""
    zone = ZoneInfo(schedule.time_zone)
    return run_times(
        Recurrence.from_json(schedule.recurrence), zone, start=start, min_minutes=settings.SCHEDULE_MIN_MINUTES
    )


def next_times(schedule: Schedule, count: int) -> list[datetime]:
    """The next times of a schedule that is not paused: `next_run_at`, and those that follow."""
    if schedule.next_run_at is None:
        return []
    return list(islice(_times(schedule, schedule.next_run_at), count))


def passed_times(schedule: Schedule, due: datetime, now: datetime) -> Passed:
    """The times of a schedule whose `next_run_at` is `due`, which has come at `now`."""
    passed: deque[datetime] = deque(maxlen=MOST_MISSED + 1)
    following = None
    for time in _times(schedule, max(due, now - LONGEST_OUTAGE)):
        if time > now:
            following = time
            break
        passed.append(time)
    *missed, latest = passed or [due]
    return Passed(missed, latest, following)


def _times(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """Times from `start` on. `next_run_at` itself is one, even if the rules of its zone have changed since."""
    if start == schedule.next_run_at:
        yield start
        start += timedelta(minutes=settings.SCHEDULE_MIN_MINUTES)
    yield from times_from(schedule, start)
