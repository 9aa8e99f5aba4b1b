"""Heartbeat: a thread beside the handler that renews the lease, writes the progress, and stops the attempt.

The lease uses the database's clock, waiting uses this process's monotonic clock, and the wall clock does not matter.
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
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest, Now

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, StalledError, WorkerStoppingError
from jobs.events import record_event
from jobs.models import Attempt, Event, Job
from jobs.postgres.deadlines import answering_within
from jobs.states import State
from jobs.worker.memory import peak_memory_bytes
from jobs.worker.row_rate import RowRate
from jobs.worker.shutdown import is_pool_process, is_stopping

logger = structlog.get_logger(__name__)

#: The interval at which progress is written and cancellation is noticed. Seconds.
TICK_SECONDS: Final = 1.0
#: How long the end of an attempt waits for the last statement of its heartbeat. Seconds.
JOIN_SECONDS: Final = 2.0
#: The minimum time that a beat waits for an answer from PostgreSQL. Seconds.
SHORTEST_WAIT_SECONDS: Final = 1.0
#: Percentages that the timeline shows.
MILESTONES: Final = (25, 50, 75)
#: Peak memory is written again when it has grown by this factor.
MEMORY_GROWTH: Final = 1.1
#: Exit code of a pool process that the heartbeat ended because its handler ignored both `check()` and an exception.
STOPPED_BY_FORCE: Final = 76


@contextmanager
def beating(context: JobContext, *, stall_timeout_seconds: float | None = None) -> Iterator[None]:
    """Renew the attempt's lease during the block, and stop the context if there is a reason to."""
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
    """Renew the lease; False if the attempt no longer owns the job."""
    asked_at = time.monotonic()
    lease = Now() + timedelta(seconds=context.lease_seconds)
    if _held(context).update(lease_expires_at=lease, updated_at=Now(), **_columns_of(rate)) != 1:
        return False
    context.lease_deadline = asked_at + context.lease_seconds
    return True


def write_progress(context: JobContext, done: int, total: int | None, rate: RowRate) -> bool:
    """Write the progress of the attempt and its rate. The percentage of a job never decreases.

    False if the attempt no longer owns the job.
    """
    shown = Greatest(F("progress_percent"), Value(percent(done, total)))
    written = _held(context).update(
        progress_done=done,
        progress_total=total,
        progress_percent=shown,
        progress_details=context.progress_details,
        updated_at=Now(),
        **_columns_of(rate),
    )
    return written == 1


def percent(done: int, total: int | None) -> int:
    """The percentage of the expected rows that are done, at most 99: estimates may be low, and 100 means finished."""
    return min(99, 100 * done // total) if total else 0


class Heartbeat:
    """The heartbeat of one attempt. All its times are from the monotonic clock."""

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
        self.written: tuple[int, int | None, dict[str, Any] | None] = (0, None, None)
        self.milestone = 0
        self.memory_written = 0

    def tick(self) -> None:
        """Beat, even if PostgreSQL fails; then end by force a handler that did not stop when told to.

        A beat does not wait for PostgreSQL beyond the end of the lease: another worker may have the job then.
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
        """Check for reasons to stop, write the progress, and renew the lease, unless the job is no longer held."""
        context = self.context
        held = list(_held(context).values_list("cancel_requested_at", flat=True))
        if not held:
            if not self.has_finished():
                self.lose_lease()
            return
        if held[0] is not None:
            context.stop(CancelRequestedError(f"cancellation of job {context.job.pk} was requested"))
        self.look_at_shutdown()
        self.look_at_progress()
        self.look_at_memory()
        if not isinstance(context.stop_reason, StalledError):
            self.keep_lease()

    def has_finished(self) -> bool:
        """Whether the attempt has just finished the job: if it has an effect, it does so under its heartbeat."""
        if self.context.effect is None:
            return False
        attempt = self.context.attempt
        done = Job.objects.filter(pk=attempt.job_id, fencing_token=attempt.fencing_token, state=State.SUCCEEDED)
        return done.exists()

    def keep_lease(self) -> None:
        """Renew the lease once a third of it has passed."""
        now = time.monotonic()
        if now - self.renewed_at < self.context.lease_seconds / 3:
            return
        if renew_lease(self.context, self.rate):
            self.renewed_at = now
        else:
            self.lose_lease()

    def lose_lease(self) -> None:
        """Stop the attempt: it no longer owns the job."""
        logger.warning("lease_lost")
        self.context.stop(self.context.lease_lost())

    def look_at_shutdown(self) -> None:
        """Stop an attempt that is still running HAND_BACK_AFTER_SECONDS after its worker was told to stop."""
        if not is_stopping():
            return
        self.stopping_since = self.stopping_since or time.monotonic()
        if time.monotonic() - self.stopping_since >= settings.HAND_BACK_AFTER_SECONDS:
            self.context.stop(WorkerStoppingError("the worker is stopping"))

    def look_at_progress(self) -> None:
        """Write new progress; stop an attempt that has made no progress for too long."""
        context, attempt, now = self.context, self.context.attempt, time.monotonic()
        rows, total = context.rows_done, context.rows_total
        self.rate.see(rows, at=now, began_at=context.rows_began_at)
        if (progress := (rows, total, context.progress_details)) != self.written:
            reached = max((step for step in MILESTONES if step <= percent(rows, total)), default=0)
            with transaction.atomic():  # the job may be finished meanwhile, which is the last event
                is_held = write_progress(context, rows, total, self.rate)
                if is_held and reached > self.milestone:
                    facts: dict[str, Any] = {"attempt": attempt.number, "percent": reached, "rows": rows}
                    record_event(attempt.job_id, Event.Name.PROGRESS, **facts)
            self.written, self.progressed_at = progress, now
            self.milestone = max(reached, self.milestone)
        elif self.stall_timeout_seconds is not None and now - self.progressed_at > self.stall_timeout_seconds:
            context.stop(StalledError(f"The job made no progress for {self.stall_timeout_seconds:g} seconds."))

    def look_at_memory(self) -> None:
        """Write the peak if it has grown, so that it is known even if the process is killed."""
        peak = peak_memory_bytes()
        if peak > self.memory_written * MEMORY_GROWTH:
            Attempt.objects.filter(pk=self.context.attempt.pk, outcome="").update(peak_memory_bytes=peak)
            self.memory_written = peak

    def end_by_force(self) -> None:
        """End a handler that ignores `check()`: raise an exception in it, then end its process.

        Each happens after INTERRUPT_AFTER_SECONDS. On SIGUSR1, Celery's pool processes raise SoftTimeLimitExceeded.
        Threads of a pool cannot be ended.
        """
        if self.context.stop_reason is None or not is_pool_process():
            return
        now = time.monotonic()
        self.stopped_at = self.stopped_at or now
        waited = now - self.stopped_at
        if self.interrupted and waited >= 2 * settings.INTERRUPT_AFTER_SECONDS:
            logger.error("attempt_killed", reason=repr(self.context.stop_reason))
            os._exit(STOPPED_BY_FORCE)
        elif not self.interrupted and waited >= settings.INTERRUPT_AFTER_SECONDS:
            self.interrupted = True
            logger.warning("attempt_interrupted", reason=repr(self.context.stop_reason))
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


class Ticker(threading.Thread):
    """The heartbeat's thread. An attempt that ends before the first tick passes it on, since a new thread is costly."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.heartbeat: Heartbeat | None = heartbeat
        self.interval = heartbeat.interval
        self.has_ticked = self.is_over = False
        self._lock = threading.Lock()
        self._dropped = threading.Event()

    def run(self) -> None:
        """Tick until the attempt has ended and no other has taken its place."""
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
        """Take over the next attempt. False if the thread has ended, as in a forked process."""
        with self._lock:
            taken = self.is_alive() and not self.is_over and self.interval == heartbeat.interval
            if taken:
                self.heartbeat = heartbeat
            return taken

    def drop(self) -> None:
        """Let go of an attempt that has ended. The thread ends, too, if it has ticked."""
        with self._lock:
            self.heartbeat = None
            if not self.has_ticked:
                return
            self.is_over = True
        self._dropped.set()
        self.join(JOIN_SECONDS)  # if the database does not answer, the thread ends later


_of_this_thread = threading.local()


def _held(context: JobContext) -> QuerySet[Job]:
    return Job.objects.held_by(context.attempt.job_id, context.attempt.fencing_token)


def _columns_of(rate: RowRate) -> dict[str, Any]:
    """The columns of the rate and its samples; none before the first row, since claiming the job has cleared them."""
    seconds = rate.seconds()
    if seconds is None:
        return {}
    return {
        "progress_rate": rate.per_second(),
        "progress_began_at": Now() - timedelta(seconds=seconds),
        "progress_samples": rate.samples.flat(),
    }
