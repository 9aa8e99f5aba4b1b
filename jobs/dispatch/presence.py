"""Which workers are there: each renews a row, so that nobody has to ask them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now

from jobs.models import Worker
from jobs.postgres.sessions import short_session

#: A worker whose row was not renewed for so many periods is gone, or has no connection to Redis or PostgreSQL.
GONE_AFTER_PERIODS: Final = 3.5

UPSERT: Final = """
    INSERT INTO jobs_worker (name, queues, started_at, seen_at) VALUES (%s, %s, now(), now())
    ON CONFLICT (name) DO UPDATE SET queues = excluded.queues, seen_at = excluded.seen_at,
        started_at = CASE WHEN %s THEN excluded.started_at ELSE jobs_worker.started_at END
"""
#: Those that left without a word, long ago: names of pods are never seen again.
FORGET: Final = "DELETE FROM jobs_worker WHERE name = %s OR seen_at < now() - interval '1 day'"


def renew(name: str, queues: Iterable[str], *, begins: bool) -> None:
    """Say that this worker consumes these queues now.

    It takes a session of its own for a moment: a worker's main process forks, and must hold none meanwhile. Raises
    Django's DatabaseError or InterfaceError, soon.
    """
    with short_session(DEFAULT_DB_ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute(UPSERT, [name, sorted(queues), begins])


def leave(name: str) -> None:
    """Say that this worker has stopped. Raises as `renew` does."""
    with short_session(DEFAULT_DB_ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute(FORGET, [name])


def gone_after() -> timedelta:
    """For how long a worker that is there may leave its row as it is. Where workers do not renew it, it is believed."""
    if not settings.WORKER_PRESENCE_SECONDS:
        return timedelta(days=1)
    return GONE_AFTER_PERIODS * timedelta(seconds=settings.WORKER_PRESENCE_SECONDS)


def known_workers() -> tuple[list[Worker], list[Worker]]:
    """Those that consume now, and those that were seen within a day and left without a word, by name. One query."""
    here = ExpressionWrapper(Q(seen_at__gt=Now() - gone_after()), models.BooleanField())
    known = Worker.objects.filter(seen_at__gt=Now() - timedelta(days=1)).annotate(here=here).order_by("name")
    present: list[Worker] = []
    gone: list[Worker] = []
    for worker in known:
        (present if worker.here else gone).append(worker)
    return present, gone


def unserved(queues: Iterable[str], workers: Collection[Worker]) -> list[str]:
    """Those of the queues that no worker consumes."""
    served = {name for worker in workers for name in worker.queues}
    return [name for name in queues if name not in served]
