"""The heartbeat of one attempt: what to write of it, and why to stop it. `jobs.worker.beating` does the writing.

The lease uses the database's clock, waiting uses this process's monotonic clock, and the wall clock does not matter.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Final

import structlog
from django.conf import settings

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, LeaseLostError, StalledError, WorkerStoppingError
from jobs.states import State
from jobs.worker.row_rate import RowRate
from jobs.worker.shutdown import is_pool_process, is_stopping

logger = structlog.get_logger(__name__)

#: The interval at which progress is written and cancellation is noticed. Seconds.
TICK_SECONDS: Final = 1.0
#: How long the end of an attempt waits for an interrupt of its handler that has begun. Seconds.
JOIN_SECONDS: Final = 2.0
#: Percentages that the timeline shows.
MILESTONES: Final = (25, 50, 75)
#: Peak memory is written again when it has grown by this factor.
MEMORY_GROWTH: Final = 1.1
#: Exit code of a pool process that the heartbeat ended because its handler ignored both `check()` and an exception.
STOPPED_BY_FORCE: Final = 76


def percent(done: int, total: int | None) -> int:
    """The percentage of the expected rows that are done, at most 99: estimates may be low, and 100 means finished."""
    return min(99, 100 * done // total) if total else 0


class Heartbeat:
    """The heartbeat of one attempt: `look` before each statement, `learn` after it. All times are monotonic.

    The thread of `jobs.worker.beating` calls both. The handler's thread makes the heartbeat and ends it.
    """

    def __init__(
        self, context: JobContext, stall_timeout_seconds: float | None, *, rate: RowRate | None = None
    ) -> None:
        self.context = context
        self.stall_timeout_seconds = stall_timeout_seconds
        self.interval = min(TICK_SECONDS, context.lease_seconds / 3)
        now = time.monotonic()
        #: When the lease began, or a little earlier.
        self.renewed_at = context.lease_deadline - context.lease_seconds
        self.progressed_at = now
        #: A shorter attempt costs no beat, whenever it began between two beats of its process.
        self.first_at = now + self.interval
        self.stopping_since: float | None = None
        self.stopped_at: float | None = None
        self.interrupted = False
        self.rate = rate or RowRate()
        self.seen: tuple[int, int | None, dict[str, Any] | None] = (0, None, None)
        self.written = self.seen
        self.milestone = 0
        self.memory_written = 0
        self._asked: dict[str, Any] = {}
        self._asked_at = now
        self._is_over = False
        self._interrupting: threading.Thread | None = None
        self._lock = threading.Lock()

    def is_to_be_asked(self) -> bool:
        """Whether the attempt may still own its job."""
        return not isinstance(self.context.stop_reason, LeaseLostError)

    def look(self, *, peak_memory_bytes: int) -> dict[str, Any]:
        """What to write now: the row of this attempt in `BEAT`, as JSON. Columns without a value are left out."""
        context, attempt = self.context, self.context.attempt
        self._asked_at = now = time.monotonic()
        self._asked = asked = {"job": str(attempt.job_id), "token": attempt.fencing_token}
        asked |= self._new_progress(now)
        if now - self.renewed_at >= context.lease_seconds / 3 and not self._is_stalled(now):
            asked["lease"] = context.lease_seconds
        if ("done" in asked or "lease" in asked) and (seconds := self.rate.seconds()) is not None:
            asked |= {"rate": self.rate.per_second(), "began": seconds, "samples": self.rate.samples.flat()}
        if peak_memory_bytes > self.memory_written * MEMORY_GROWTH:
            asked |= {"attempt": attempt.pk, "memory": peak_memory_bytes}
        return asked

    def _new_progress(self, now: float) -> dict[str, Any]:
        """The columns of the progress if they are not written yet, and the milestone that was reached since."""
        context = self.context
        rows, total = context.rows_done, context.rows_total
        self.rate.see(rows, at=now, began_at=context.rows_began_at)
        if (progress := (rows, total, context.progress_details)) != self.seen:
            self.seen, self.progressed_at = progress, now
        if self.seen == self.written:
            return {}
        rows, total, details = self.seen
        asked = {"done": rows, "total": total, "percent": percent(rows, total), "details": details}
        reached = max((step for step in MILESTONES if step <= percent(rows, total)), default=0)
        if reached > self.milestone:
            asked |= {"milestone": reached, "number": context.attempt.number}
        return asked

    def learn(self, *, state: State | None, cancel_requested: bool, is_written: bool) -> None:
        """Take in the answer: the state of the job, None if it has another fencing token.

        If the job is held but not `is_written`, somebody has locked its row: the next beat tries again.
        """
        with self._lock:
            if self._is_over:
                return
            self.memory_written = self._asked.get("memory", self.memory_written)
            if state != State.RUNNING:
                # An attempt with an effect finishes its job under its heartbeat.
                if state != State.SUCCEEDED or self.context.effect is None:
                    self._lose_lease()
                return
            if is_written:
                self._note_written()
            if cancel_requested:
                job_id = self.context.attempt.job_id
                self.context.give_reason(CancelRequestedError(f"cancellation of job {job_id} was requested"))
            self._look_at_shutdown()
            if self._is_stalled(self._asked_at):
                text = f"The job made no progress for {self.stall_timeout_seconds:g} seconds."
                self.context.give_reason(StalledError(text))

    def _note_written(self) -> None:
        asked = self._asked
        if "done" in asked:
            self.written = asked["done"], asked["total"], asked["details"]
            self.milestone = asked.get("milestone", self.milestone)
        if "lease" in asked:
            self.renewed_at = self._asked_at
            self.context.lease_deadline = self._asked_at + self.context.lease_seconds

    def _is_stalled(self, now: float) -> bool:
        """Whether there was no progress for too long. An attempt that stops for another reason may take its time."""
        if isinstance(self.context.stop_reason, StalledError):
            return True
        timeout = self.stall_timeout_seconds
        return timeout is not None and self.context.stop_reason is None and now - self.progressed_at > timeout

    def _look_at_shutdown(self) -> None:
        """Stop an attempt that is still running HAND_BACK_AFTER_SECONDS after its worker was told to stop."""
        if not is_stopping():
            return
        self.stopping_since = self.stopping_since or time.monotonic()
        if time.monotonic() - self.stopping_since >= settings.HAND_BACK_AFTER_SECONDS:
            self.context.give_reason(WorkerStoppingError("the worker is stopping"))

    def enforce(self) -> None:
        """After each beat, even a failed one: stop the attempt if its lease has ended, and interrupt its handler."""
        with self._lock:
            if self._is_over:
                return
            if self.is_to_be_asked() and time.monotonic() > self.context.lease_deadline:
                self._lose_lease()
            if self.context.stop_reason is not None:
                self._interrupt()
                self._end_by_force()

    def end(self) -> None:
        """The attempt has ended: nothing stops or interrupts it any more."""
        with self._lock:
            self._is_over = True
        if self._interrupting is not None:
            self._interrupting.join(JOIN_SECONDS)

    def _lose_lease(self) -> None:
        attempt = self.context.attempt
        logger.warning("lease_lost", job_id=str(attempt.job_id), attempt=attempt.number)
        self.context.give_reason(self.context.lease_lost())

    def _interrupt(self) -> None:
        """Interrupt what blocks the handler, again and again: an interrupt may come a moment before the call.

        It may take long itself, such as cancelling a statement of a server that does not answer, so it has a thread.
        """
        if self.context.is_blocked and not (self._interrupting and self._interrupting.is_alive()):
            self._interrupting = threading.Thread(target=self.context.interrupt, name="interrupt", daemon=True)
            self._interrupting.start()

    def _end_by_force(self) -> None:
        """End a handler that ignores `check()`: raise an exception in it, then end its process.

        Each happens after INTERRUPT_AFTER_SECONDS. On SIGUSR1, Celery's pool processes raise SoftTimeLimitExceeded.
        Threads of a pool cannot be ended.
        """
        if not is_pool_process():
            return
        now = time.monotonic()
        self.stopped_at = self.stopped_at or now
        waited = now - self.stopped_at
        facts = {"reason": repr(self.context.stop_reason), "job_id": str(self.context.attempt.job_id)}
        if self.interrupted and waited >= 2 * settings.INTERRUPT_AFTER_SECONDS:
            logger.error("attempt_killed", **facts)
            os._exit(STOPPED_BY_FORCE)
        elif not self.interrupted and waited >= settings.INTERRUPT_AFTER_SECONDS:
            self.interrupted = True
            logger.warning("attempt_interrupted", **facts)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
