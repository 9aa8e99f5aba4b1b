"""Jobs that a worker has handed out to itself, without messages: while small jobs wait, it takes several at once.

Whose turn is next costs more to find than a small job. So a worker that goes on with small jobs lets that be decided
for a few at a time, and claims them one after the other, by their ids. None of them waits long behind another: if a job
runs longer than expected, or the worker stops going on, messages for the remaining ones call other workers. If the
worker is killed, they are published again as any whose message was lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from jobs.dispatch.release import publish_jobs

#: The most jobs that are reserved at once.
MOST_RESERVED: Final = 8
#: No more jobs are reserved than take so long together, if they take as long as the one before. Seconds.
WORTH_SECONDS: Final = 0.05


class Reserved:
    """The jobs that one task has reserved, oldest turn first. Its thread and that of the heartbeat share it."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        #: Whether they were all that had their turn.
        self.were_all = False
        self._ids: deque[UUID] = deque()

    @staticmethod
    def how_many(seconds: float) -> int:
        """How many jobs to reserve after one that took so long."""
        return min(MOST_RESERVED, int(WORTH_SECONDS / seconds)) if seconds > 0 else MOST_RESERVED

    def add(self, ids: Iterable[UUID], *, were_all: bool) -> None:
        """Keep these until they are claimed or published. `were_all`: no more jobs had their turn."""
        self._ids.extend(ids)
        self.were_all = were_all

    def first(self) -> UUID | None:
        """The job to claim next."""
        try:
            return self._ids[0]
        except IndexError:
            return None

    def remove(self, job_id: UUID) -> None:
        """It was claimed, or somebody else has it."""
        if self.first() == job_id:
            self._take()

    def publish(self) -> None:
        """Call other workers for all that are left."""
        ids = []
        while (job_id := self._take()) is not None:
            ids.append(job_id)
        if ids:
            publish_jobs(self.queue, ids)

    def _take(self) -> UUID | None:
        try:
            return self._ids.popleft()
        except IndexError:
            return None
