"""The context of a handler: its job, progress reports and files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog

from jobs.errors import AttemptStoppedError, LeaseLostError
from jobs.files.artifacts import ArtifactWriter
from jobs.models import Artifact, Attempt, Job

logger = structlog.get_logger(__name__)


def do_nothing() -> None:
    """What most attempts do when they take long."""


class JobContext:
    """One running attempt, shared by its handler and its heartbeat thread.

    The handler calls `check()` at least every second, and reports progress as often as it likes: both only touch
    memory. Calls that block for longer belong into `interruptible`. The heartbeat writes to the database.
    """

    def __init__(self, attempt: Attempt, *, lease_seconds: float, asked_at: float | None = None) -> None:
        """`asked_at` is when the claim was sent, by this process's monotonic clock. The lease began then or later."""
        self.attempt = attempt
        self.rows_done = 0
        self.rows_total: int | None = None
        #: Facts about the progress that only the kind understands; JSON. Replaced, never changed.
        self.progress_details: dict[str, Any] | None = None
        #: When the first row arrived, by this process's monotonic clock.
        self.rows_began_at: float | None = None
        self.lease_seconds = lease_seconds
        self.began_at = time.monotonic() if asked_at is None else asked_at
        #: Until then the lease certainly lasts, by this process's monotonic clock.
        self.lease_deadline = self.began_at + lease_seconds
        #: Why the attempt must end before its handler has finished.
        self.stop_reason: AttemptStoppedError | LeaseLostError | None = None
        #: The files that this attempt has opened.
        self.written: list[ArtifactWriter] = []
        #: What the attempt holds until it has ended, such as a session of its own with temporary tables.
        self.resources = ExitStack()
        #: What to do in the transaction that finishes the job; see `finish_with`.
        self.effect: Callable[[], None] | None = None
        #: What the heartbeat calls at each interval that the attempt has run for, so that nobody waits for its end.
        self.when_long: Callable[[], None] = do_nothing
        self._interrupts: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """How long ago this attempt was claimed."""
        return time.monotonic() - self.began_at

    @property
    def job(self) -> Job:
        """The job as it was when claimed."""
        return self.attempt.job

    def report_progress(self, done: int, *, total: int | None = None) -> None:
        """Report how many rows this attempt has processed and, if known, how many it expects."""
        self.rows_done = done
        if done and self.rows_began_at is None:
            self.rows_began_at = time.monotonic()
        if total is not None:
            self.rows_total = total

    def report_details(self, **details: Any) -> None:
        """Add facts of the kind's own to the progress, such as `phase`. They must be JSON."""
        self.progress_details = {**(self.progress_details or {}), **details}

    def finish_with(self, effect: Callable[[], None]) -> None:
        """Call `effect` in the transaction that finishes the job, so that both happen or neither does.

        It runs on Django's default connection before the job's row is locked, and under the heartbeat, so it may take
        long. If the connection is lost, it is called again on a new one; it raises if it cannot be repeated.
        """
        self.effect = effect

    def check(self) -> None:
        """Return if the handler may continue. Raises AttemptStoppedError or LeaseLostError if it must end at once."""
        if self.stop_reason is None and time.monotonic() > self.lease_deadline:
            self.stop(self.lease_lost())
        if self.stop_reason is not None:
            raise self.stop_reason

    def stop(self, reason: AttemptStoppedError | LeaseLostError) -> None:
        """Make `check()` raise `reason`, and interrupt the call that blocks the handler. The first reason stays."""
        self.give_reason(reason)
        self.interrupt()

    def give_reason(self, reason: AttemptStoppedError | LeaseLostError) -> None:
        """Make `check()` raise `reason`. The first reason stays."""
        with self._lock:
            if self.stop_reason is None:
                self.stop_reason = reason

    @property
    def is_blocked(self) -> bool:
        """Whether the handler is in a call that can be interrupted."""
        return bool(self._interrupts)

    def interrupt(self) -> None:
        """Interrupt the call that blocks the handler, which may take a while.

        The heartbeat does so at each tick: an interrupt that comes a moment before the call reaches nothing.
        """
        with self._lock:
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            _call(interrupt)

    def lease_lost(self) -> LeaseLostError:
        """The reason to stop if another attempt owns the job."""
        return LeaseLostError(f"attempt {self.attempt.number} lost its lease on job {self.attempt.job_id}")

    @contextmanager
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` from another thread if the attempt must stop while the block runs.

        `interrupt` makes the blocking call fail with any exception; an example is psycopg's `connection.cancel_safe`.
        """
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def open_artifact(self, role: Artifact.Role, **described: Any) -> ArtifactWriter:
        """Open a new file of this attempt; see `ArtifactWriter`. It is published if the job succeeds."""
        writer = ArtifactWriter(self.attempt, role, **described)
        self.written.append(writer)
        return writer


def _call(interrupt: Callable[[], None]) -> None:
    try:
        interrupt()
    except Exception as error:  # the handler also calls `check()`
        logger.warning("interrupt_failed", error=repr(error))
