"""Postponed jobs come back on time: Beat alone would release them five seconds' worth at a time.

A worker that has postponed jobs releases those that are due twice a second. Beat still does it if that worker is gone.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from django.db import connections, transaction

from calls.types import CALL_TYPES
from jobs.dispatch.release import release_jobs
from jobs.models import Job
from jobs.postgres.pooling import release_connection

logger = structlog.get_logger(__name__)

#: How often jobs that are due are released. Seconds.
EVERY_SECONDS: Final = 0.5
#: How many jobs are released at once, at most.
BATCH_SIZE: Final = 500


class Resumer:
    """A thread that releases jobs that are due, for as long as some are expected."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def keep_until(self, until: float) -> None:
        """Jobs are expected until then, by the monotonic clock."""
        with self._lock:
            self._until = max(self._until, until)
            if not (self._thread and self._thread.is_alive()) and self._until > time.monotonic():
                self._thread = threading.Thread(target=self._run, name="resumer", daemon=True)
                self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the thread, and wait for it for so long."""
        self._stopped.set()
        if (thread := self._thread) is not None:
            thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stopped.wait(EVERY_SECONDS):
                try:
                    release_due_calls()
                except Exception as error:
                    logger.warning("due_calls_not_released", error=repr(error))
                    connections.close_all()
                release_connection()
                with self._lock:
                    if time.monotonic() > self._until + EVERY_SECONDS:
                        self._thread = None
                        return
        finally:
            connections.close_all()


def release_due_calls() -> int:
    """Mark postponed calls whose time has come as due, and release their queues; returns how many there were."""
    with transaction.atomic():
        due = (
            Job.objects.scheduled_until_now()
            .filter(kind=CALL_TYPES.kind)
            .select_for_update(no_key=True, skip_locked=True)
        )
        queues = dict(due.values_list("pk", "queue")[:BATCH_SIZE])
        if queues:
            Job.objects.filter(pk__in=queues).update(due=True)
    for queue in set(queues.values()):
        release_jobs(queue)
    return len(queues)
