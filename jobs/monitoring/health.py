"""The health of the service: each part, with its problems. Every check has a time limit.

Workers and Beat are not asked: while they are healthy, they report to tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from jobs.dispatch.presence import known_workers
from jobs.dispatch.publish_failures import failures_now
from jobs.durations import in_words
from jobs.files.room import storage_shortage
from jobs.maintenance.schedules import enabled_schedules
from jobs.monitoring.agreement import WITHOUT_WORKER, QueueMismatch, queue_mismatches
from jobs.monitoring.doorbell import redis_error
from jobs.monitoring.overview import seconds_since_beat, sweep_states
from jobs.pacing.replica import has_replica, look_at_replica
from jobs.payloads.redaction import in_one_line
from jobs.postgres.probing import Probe

#: Beat records every tenth message that it sends, so one every few seconds.
MAX_BEAT_SILENCE_SECONDS: Final = 180

#: How long PostgreSQL may take to answer a probe. Seconds.
PROBE_SECONDS: Final = 1.0
PROBE: Final = Probe()

Check = Callable[[], Iterator[str]]


def database_answers() -> bool:
    """Whether PostgreSQL answers a probe in time. Raises what Django's connection raises."""
    return PROBE.answers(within=PROBE_SECONDS)


def problems() -> dict[str, list[str]]:
    """The parts of the service, each with sentences about its problems; an empty list if it is healthy.

    If the database does not answer, only the parts that can be checked without it are there. Raises nothing.
    """
    found = {"database": list(_database())}
    for name, check in CHECKS.items():
        if name in WITHOUT_DATABASE or not found["database"]:
            try:
                found[name] = list(check())
            except (DatabaseError, InterfaceError) as error:
                found["database"] = [_unanswered(error)]
    return found


def workers_present() -> list[dict[str, object]]:
    """The workers that consume now, with their queues and the seconds since each reported."""
    now = timezone.now()
    return [
        {
            "name": worker.name,
            "queues": worker.queues,
            "secondsSinceSeen": max(0, round((now - worker.seen_at).total_seconds())),
        }
        for worker in known_workers()[0]
    ]


def _database() -> Iterator[str]:
    """Probe first: if the server is silent, a statement would block for as long as a request may take."""
    try:
        if not database_answers():
            yield f"PostgreSQL does not answer within {PROBE_SECONDS:g} s."
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            if cursor.fetchone() == ("on",):
                yield "PostgreSQL is read-only: orders are refused, and no job can continue."
    except (DatabaseError, InterfaceError) as error:
        yield _unanswered(error)


def _unanswered(error: Exception) -> str:
    return f"PostgreSQL does not answer: {in_one_line(error)}"


def _redis() -> Iterator[str]:
    if error := redis_error():
        yield error


def _sentences(found: list[QueueMismatch], *, of_workers: bool) -> Iterator[str]:
    yield from (one.text for one in found if (one.id == WITHOUT_WORKER) is of_workers)


def _workers() -> Iterator[str]:
    yield from _sentences(queue_mismatches(), of_workers=True)


def _queues() -> Iterator[str]:
    yield from _sentences(queue_mismatches(), of_workers=False)
    for failure in failures_now():
        yield f"Jobs in the queue {failure.queue} cannot be handed to workers: {failure.error_class}."


def _beat() -> Iterator[str]:
    age = seconds_since_beat()
    if age is None:
        yield "Beat has never run."
    elif age > MAX_BEAT_SILENCE_SECONDS:
        yield f"Beat has sent nothing for {in_words(age)}."


def _sweeps() -> Iterator[str]:
    for sweep in sweep_states():
        if sweep.error:
            yield f"The sweep {sweep.name} fails: {sweep.error}"
        elif sweep.is_late:
            yield f"The sweep {sweep.name} is late."


def _schedules() -> Iterator[str]:
    yield from (f"Beat skips the schedule {row.name}." for row in enabled_schedules() if row.fault)


def _replica() -> Iterator[str]:
    if has_replica() and (error := look_at_replica().complaint):
        yield f"{error[0].upper()}{error[1:]}."


def _storage() -> Iterator[str]:
    if shortage := storage_shortage():
        yield shortage


CHECKS: Final[dict[str, Check]] = {
    "redis": _redis,
    "workers": _workers,
    "queues": _queues,
    "beat": _beat,
    "sweeps": _sweeps,
    "schedules": _schedules,
    "replica": _replica,
    "storage": _storage,
}
WITHOUT_DATABASE: Final = frozenset({"redis", "replica", "storage"})
