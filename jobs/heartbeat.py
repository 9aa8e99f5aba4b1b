"""Heartbeat: a thread beside the handler that renews the lease and writes the progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import F, Value
from django.db.models.functions import Greatest, Now

from jobs.context import JobContext
from jobs.models import Job

logger = structlog.get_logger(__name__)

#: How fresh the progress in the status is, at most. Seconds.
PROGRESS_INTERVAL_SECONDS = 1.0


@contextmanager
def beating(context: JobContext, *, lease_seconds: int) -> Iterator[None]:
    """Keep the attempt's lease for the duration of the block; abort the context once it is lost."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(context, lease_seconds, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def renew_lease(context: JobContext, *, lease_seconds: int) -> bool:
    """Write progress and a fresh lease; False when the attempt does not own the job any more."""
    done, total = context.rows_done, context.rows_total
    return (
        Job.objects.held_by(context.attempt.job_id, context.attempt.fencing_token).update(
            lease_expires_at=Now() + timedelta(seconds=lease_seconds),
            progress_done=done,
            progress_total=total,
            progress_percent=Greatest(F("progress_percent"), Value(percent(done, total))),
            updated_at=Now(),
        )
        == 1
    )


def percent(done: int, total: int | None) -> int:
    """Rows done of rows expected, 0 to 99: only a finished job is at 100, and estimates may be low."""
    return min(99, 100 * done // total) if total else 0


def _beat(context: JobContext, lease_seconds: int, stop: threading.Event) -> None:
    interval = min(PROGRESS_INTERVAL_SECONDS, lease_seconds / 3)
    renewed_at = time.monotonic()
    reported: tuple[int, int | None] = (0, None)
    try:
        while not stop.wait(interval):
            progress = (context.rows_done, context.rows_total)
            if progress == reported and time.monotonic() - renewed_at < lease_seconds / 3:
                continue
            try:
                if not renew_lease(context, lease_seconds=lease_seconds):
                    logger.warning("lease_lost")
                    return context.abort()
                renewed_at, reported = time.monotonic(), progress
            except (DatabaseError, InterfaceError) as error:
                logger.warning("heartbeat_failed", error=repr(error))
                connections.close_all()
                if time.monotonic() - renewed_at > lease_seconds:
                    return context.abort()
    finally:
        connections.close_all()
