"""Which workers are running: each renews a row, so that they need not be asked."""

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

#: A worker whose row was not renewed for this many periods is gone, or has lost Redis or PostgreSQL.
GONE_AFTER_PERIODS: Final = 3.5

UPSERT: Final = """
    INSERT INTO jobs_worker (name, queues, started_at, seen_at) VALUES (%s, %s, now(), now())
    ON CONFLICT (name) DO UPDATE SET queues = excluded.queues, seen_at = excluded.seen_at,
        started_at = CASE WHEN %s THEN excluded.started_at ELSE jobs_worker.started_at END
"""
#: Also those that vanished long ago: the name of a pod never returns.
FORGET: Final = "DELETE FROM jobs_worker WHERE name = %s OR seen_at < now() - interval '1 day'"


def renew(name: str, queues: Iterable[str], *, begins: bool) -> None:
    """Record that this worker consumes these queues now.

    It uses a short session of its own: a worker's main process forks, and must not hold one then. Raises Django's
    DatabaseError or InterfaceError, soon.
    """
    with short_session(DEFAULT_DB_ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute(UPSERT, [name, sorted(queues), begins])


def leave(name: str) -> None:
    """Record that this worker has stopped. Raises as `renew` does."""
    with short_session(DEFAULT_DB_ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute(FORGET, [name])


def gone_after() -> timedelta:
    """The age from which a worker's row means that it is gone; a day if workers do not renew theirs."""
    if not settings.WORKER_PRESENCE_SECONDS:
        return timedelta(days=1)
    return GONE_AFTER_PERIODS * timedelta(seconds=settings.WORKER_PRESENCE_SECONDS)


def known_workers() -> tuple[list[Worker], list[Worker]]:
    """The workers that consume now, and those that vanished within the last day, by name. One query."""
    here = ExpressionWrapper(Q(seen_at__gt=Now() - gone_after()), models.BooleanField())
    known = Worker.objects.filter(seen_at__gt=Now() - timedelta(days=1)).annotate(here=here).order_by("name")
    return [worker for worker in known if worker.here], [worker for worker in known if not worker.here]


def unserved(queues: Iterable[str], workers: Collection[Worker]) -> list[str]:
    """The queues that no worker consumes."""
    served = {name for worker in workers for name in worker.queues}
    return [name for name in queues if name not in served]
