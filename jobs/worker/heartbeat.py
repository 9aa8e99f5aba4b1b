"""Heartbeat: a thread beside the handler that keeps the lease, writes the progress, and knows when to stop.

It uses the database's clock for the lease, and this process's monotonic clock for waiting: what the
worker's wall clock says does not matter.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest, Now

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, StalledError, WorkerStoppingError
from jobs.events import record_event
from jobs.models import Attempt, Event, Job
from jobs.postgres.deadlines import answering_within
from jobs.worker.memory import peak_memory_bytes
from jobs.worker.row_rate import RowRate
from jobs.worker.shutdown import is_pool_process, is_stopping

logger = structlog.get_logger(__name__)

#: How fresh the progress in the status is, and how soon a cancellation is noticed. Seconds.
TICK_SECONDS: Final = 1.0
#: How long the end of an attempt waits for its heartbeat's last statement. Seconds.
JOIN_SECONDS: Final = 2.0
#: How long a beat waits for an answer of PostgreSQL at least. Seconds.
SHORTEST_WAIT_SECONDS: Final = 1.0
#: Percentages that the timeline shows.
MILESTONES: Final = (25, 50, 75)
#: Memory is written again when it has grown by this factor: what an attempt last used, if its process is killed.
MEMORY_GROWTH: Final = 1.1
#: Exit code of a pool process whose handler heeded neither `check()` nor an exception.
STOPPED_BY_FORCE: Final = 76


@contextmanager
def beating(context: JobContext, *, stall_timeout_seconds: float | None = None) -> Iterator[None]:
    """Keep the attempt's lease for the duration of the block; stop the context when there is a reason to."""
    heartbeat = Heartbeat(context, stall_timeout_seconds)
    ticker: Ticker | None = getattr(_of_this_thread, "ticker", None)
    if ticker is None or not ticker.take(heartbeat):
        ticker = _of_this_thread.ticker = Ticker(heartbeat)
        ticker.start()
    try:
        yield
    finally:
        ticker.drop()


def renew_lease(context: JobContext, rate: RowRate) -> bool:
    """Make the lease last anew; False when the attempt does not own the job any more."""
    asked_at = time.monotonic()
    lease = Now() + timedelta(seconds=context.lease_seconds)
    if _held(context).update(lease_expires_at=lease, updated_at=Now(), **_columns_of(rate)) != 1:
        return False
    context.lease_deadline = asked_at + context.lease_seconds
    return True


def write_progress(context: JobContext, done: int, total: int | None, rate: RowRate) -> None:
    """Write how far the attempt is, and how fast. The percentage of a job never falls."""
    shown = Greatest(F("progress_percent"), Value(percent(done, total)))
    _held(context).update(
        progress_done=done, progress_total=total, progress_percent=shown, updated_at=Now(), **_columns_of(rate)
    )


def percent(done: int, total: int | None) -> int:
    """Rows done of rows expected, 0 to 99: only a finished job is at 100, and estimates may be low."""
    return min(99, 100 * done // total) if total else 0


class Heartbeat:
    """The thread's state: when it did what, on the monotonic clock."""

    def __init__(self, context: JobContext, stall_timeout_seconds: float | None) -> None:
        self.context = context
        self.stall_timeout_seconds = stall_timeout_seconds
        self.interval = min(TICK_SECONDS, context.lease_seconds / 3)
        now = time.monotonic()
        self.renewed_at = self.progressed_at = now
        self.stopping_since: float | None = None
        self.stopped_at: float | None = None
        self.interrupted = False
        self.rate = RowRate()
        self.written: tuple[int, int | None] = (0, None)
        self.milestone = 0
        self.memory_written = 0

    def tick(self) -> None:
        """Beat, whatever PostgreSQL says to it; then end by force what did not end when it was told to.

        No answer is waited for beyond the end of the lease: afterwards another worker may have the job.
        """
        try:
            with answering_within(max(SHORTEST_WAIT_SECONDS, self.context.lease_deadline - time.monotonic())):
                self.beat()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("heartbeat_failed", error=repr(error))
            connections.close_all()
            if time.monotonic() > self.context.lease_deadline:
                self.lose_lease()
        self.end_by_force()

    def beat(self) -> None:
        """Look whether to stop; keep the lease and the progress unless the job is lost."""
        context = self.context
        for cancel_requested_at in _held(context).values_list("cancel_requested_at", flat=True):
            if cancel_requested_at is not None:
                context.stop(CancelRequestedError(f"job {context.job.pk} is to be cancelled"))
            self.look_at_shutdown()
            self.look_at_progress()
            self.look_at_memory()
            if not isinstance(context.stop_reason, StalledError):
                self.keep_lease()
            break
        else:
            self.lose_lease()

    def keep_lease(self) -> None:
        """Renew it when a third of it has passed."""
        now = time.monotonic()
        if now - self.renewed_at < self.context.lease_seconds / 3:
            return
        if renew_lease(self.context, self.rate):
            self.renewed_at = now
        else:
            self.lose_lease()

    def lose_lease(self) -> None:
        """The job is another's."""
        logger.warning("lease_lost")
        self.context.stop(self.context.lease_lost())

    def look_at_shutdown(self) -> None:
        """Stop an attempt that outlasts what a stopping worker waits for."""
        if self.stopping_since is None and is_stopping():
            self.stopping_since = time.monotonic()
        if self.stopping_since is None:
            return
        if time.monotonic() - self.stopping_since >= settings.HAND_BACK_AFTER_SECONDS:
            self.context.stop(WorkerStoppingError("the worker stops"))

    def look_at_progress(self) -> None:
        """Write what changed; stop an attempt that has not changed anything for too long."""
        context, now = self.context, time.monotonic()
        progress = (context.rows_done, context.rows_total)
        self.rate.see(progress[0], at=now, began_at=context.rows_began_at)
        if progress != self.written:
            write_progress(context, *progress, self.rate)
            self.written, self.progressed_at = progress, now
            reached = max((step for step in MILESTONES if step <= percent(*progress)), default=0)
            if reached > self.milestone:
                self.milestone = reached
                record_event(
                    context.job.pk,
                    Event.Name.PROGRESS,
                    attempt=context.attempt.number,
                    percent=reached,
                    rows=progress[0],
                )
        elif self.stall_timeout_seconds is not None and now - self.progressed_at > self.stall_timeout_seconds:
            context.stop(StalledError(f"The job made no progress for {self.stall_timeout_seconds:g} seconds."))

    def look_at_memory(self) -> None:
        """Write the peak where it has grown: a process that is killed can tell nobody any more."""
        peak = peak_memory_bytes()
        if peak > self.memory_written * MEMORY_GROWTH:
            Attempt.objects.filter(pk=self.context.attempt.pk, outcome="").update(peak_memory_bytes=peak)
            self.memory_written = peak

    def end_by_force(self) -> None:
        """End a handler that does not look at `check()`: by an exception in it, then by ending its process.

        Each after INTERRUPT_AFTER_SECONDS. Celery's pool processes raise SoftTimeLimitExceeded on SIGUSR1. A thread
        of a pool cannot be ended.
        """
        now = time.monotonic()
        if self.context.stop_reason is None or not is_pool_process():
            return
        if self.stopped_at is None:
            self.stopped_at = now
        waited = now - self.stopped_at
        if self.interrupted and waited >= 2 * settings.INTERRUPT_AFTER_SECONDS:
            logger.error("attempt_killed", reason=repr(self.context.stop_reason))
            os._exit(STOPPED_BY_FORCE)
        elif not self.interrupted and waited >= settings.INTERRUPT_AFTER_SECONDS:
            self.interrupted = True
            logger.warning("attempt_interrupted", reason=repr(self.context.stop_reason))
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


class Ticker(threading.Thread):
    """The thread. Attempts that end before its first tick hand it on: one for each would cost more than they do."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.heartbeat: Heartbeat | None = heartbeat
        self.interval = heartbeat.interval
        self.has_ticked = self.is_over = False
        self._lock = threading.Lock()
        self._dropped = threading.Event()

    def run(self) -> None:
        """Tick until the attempt has ended, and none has come after it."""
        try:
            while True:
                self._dropped.wait(self.interval)
                with self._lock:
                    if self.heartbeat is None:
                        self.is_over = True
                        return
                    heartbeat, self.has_ticked = self.heartbeat, True
                heartbeat.tick()
        finally:
            connections.close_all()

    def take(self, heartbeat: Heartbeat) -> bool:
        """Go on with the next attempt; False when this thread is over, as in a process that was forked from its own."""
        with self._lock:
            taken = self.is_alive() and not self.is_over and self.interval == heartbeat.interval
            if taken:
                self.heartbeat = heartbeat
            return taken

    def drop(self) -> None:
        """The attempt has ended. Once it has ticked, the thread ends with it."""
        with self._lock:
            self.heartbeat = None
            if not self.has_ticked:
                return
            self.is_over = True
        self._dropped.set()
        self.join(JOIN_SECONDS)  # it may wait for a database that does not answer; then it ends later


_of_this_thread = threading.local()


def _held(context: JobContext) -> QuerySet[Job]:
    return Job.objects.held_by(context.attempt.job_id, context.attempt.fencing_token)


def _columns_of(rate: RowRate) -> dict[str, Any]:
    """Nothing, until rows come: the attempt is as it was claimed."""
    seconds = rate.seconds()
    if seconds is None:
        return {}
    return {"progress_rate": rate.per_second(), "progress_began_at": Now() - timedelta(seconds=seconds)}
