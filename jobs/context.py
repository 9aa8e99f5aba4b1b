"""What a handler is given: its job, a way to say how far it is, and files to write."""

from __future__ import annotations

import threading
from typing import Any

from jobs.artifacts import ArtifactWriter, discard_unpublished
from jobs.errors import LeaseLostError
from jobs.models import Artifact, Attempt, Job


class JobContext:
    """One running attempt, as its handler and its heartbeat see it.

    The handler calls `check()` at least every second, and reports progress as often as it likes:
    both only touch memory. The heartbeat thread writes to the database.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.rows_done = 0
        self.rows_total: int | None = None
        self._lost = threading.Event()
        #: The files that this attempt began.
        self.written: list[ArtifactWriter] = []

    @property
    def job(self) -> Job:
        """The job as it was when claimed."""
        return self.attempt.job

    def report_progress(self, done: int, *, total: int | None = None) -> None:
        """Say how many rows this attempt has done and, when known, how many it expects."""
        self.rows_done = done
        if total is not None:
            self.rows_total = total

    def check(self) -> None:
        """Go on, or raise LeaseLostError when the job is not this attempt's any more."""
        if self._lost.is_set():
            raise LeaseLostError(f"attempt {self.attempt.number} lost its lease on job {self.attempt.job_id}")

    def abort(self) -> None:
        """Make the next `check()` raise; called by the heartbeat."""
        self._lost.set()

    def open_artifact(self, role: Artifact.Role, **described: Any) -> ArtifactWriter:
        """Begin a file of this attempt; see `ArtifactWriter`. It is published if the job succeeds."""
        writer = ArtifactWriter(self.attempt, role, **described)
        self.written.append(writer)
        return writer

    def discard_files(self) -> None:
        """Leave no file of this attempt behind, unless it was published."""
        discard_unpublished([writer.storage_name for writer in self.written])
