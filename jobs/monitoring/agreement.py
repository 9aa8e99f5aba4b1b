"""Finds queues that the database, the settings and the workers disagree about: their jobs would wait forever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.utils import timezone

from jobs.dispatch.presence import known_workers, unserved
from jobs.dispatch.release import is_declared
from jobs.durations import in_words
from jobs.kinds import queues_of_jobs
from jobs.models.queues import Queue

#: The id of mismatches that concern workers.
WITHOUT_WORKER: Final = "jobs.W003"


@dataclass(frozen=True)
class QueueMismatch:
    """A sentence about a queue or a worker, and advice. `queue` is set if no worker consumes it."""

    text: str
    advice: str
    id: str
    queue: str = ""


def queue_mismatches() -> list[QueueMismatch]:
    """Queues that lack a row, a setting or a worker. Two queries."""
    rows = list(Queue.objects.order_by("name").values_list("name", flat=True))
    return [
        *(_undeclared(name) for name in rows if not is_declared(name)),
        *(_without_row(name) for name in queues_of_jobs() if name not in rows),
        *_without_worker([name for name in rows if is_declared(name)]),
    ]


def _undeclared(name: str) -> QueueMismatch:
    return QueueMismatch(
        f"The settings do not name the queue {name}: its jobs cannot run.",
        f"Add {name} to the variable QUEUES of web servers, workers and Beat, and restart them.",
        "jobs.W001",
    )


def _without_row(name: str) -> QueueMismatch:
    return QueueMismatch(
        f"QUEUES names {name}, but there is no such queue in the database: orders for it fail.",
        "Run manage.py migrate, which adds it, or add it in the admin.",
        "jobs.W002",
    )


def _without_worker(rows: Sequence[str]) -> Iterator[QueueMismatch]:
    """Nothing is known if workers do not report their presence (WORKER_PRESENCE_SECONDS is 0)."""
    present, gone = known_workers()
    if present:
        for name in unserved((*rows, settings.CELERY_TASK_DEFAULT_QUEUE), present):
            text = f"No worker consumes the queue {name}."
            advice = f"Start a worker that has {name} among the queues of its option -Q."
            yield QueueMismatch(text, advice, WITHOUT_WORKER, queue=name)
    elif gone or settings.WORKER_PRESENCE_SECONDS:
        text = "No worker consumes any queue."
        if gone:
            last = max(gone, key=lambda worker: worker.seen_at)
            ago = in_words((timezone.now() - last.seen_at).total_seconds())
            text = f"{text} {last.name} was seen last, {ago} ago."
        yield QueueMismatch(text, "Start the workers, or read their logs.", WITHOUT_WORKER)


@checks.register(checks.Tags.database)
def check_agreement(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """For `manage.py check --database default` and `migrate`. No warning if no worker runs, as during an upgrade."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        found = [mismatch for mismatch in queue_mismatches() if mismatch.queue or mismatch.id != WITHOUT_WORKER]
    except DatabaseError:  # before the first `migrate`, or without a database: another check reports that
        return []
    return [checks.Warning(mismatch.text, hint=mismatch.advice, id=mismatch.id) for mismatch in found]
