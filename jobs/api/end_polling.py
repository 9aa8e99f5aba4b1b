"""Notice the end of jobs that requests wait for: one thread of the process asks for all of them in one statement."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection

from jobs.files.results import RESULT_COLUMNS, job_with_result, join_result
from jobs.models import Job
from jobs.postgres.deadlines import answering_within
from jobs.postgres.statements import columns_of, fetch_all
from jobs.states import ACTIVE, State

logger = structlog.get_logger(__name__)

#: Bounds of the time between two polls, which is a tenth of the shortest wait so far. Seconds.
SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.2
#: The pause after a poll that failed, and how long one may take. Seconds.
PAUSE_AFTER_FAILURE: Final = 1.0
POLL_TIMEOUT_SECONDS: Final = 2.0
#: How long before the end of a wait its job is read in any state, so that the answer is in time. Seconds.
LAST_LOOK_SECONDS: Final = 0.05
#: How long the thread keeps its session while nobody waits. Seconds.
LINGER_SECONDS: Final = 1.0

#: Those that have ended, and those whose wait is over.
ENDED_OR_DUE: Final = f"""
    SELECT {columns_of(Job, "jobs_job")}, {RESULT_COLUMNS} FROM jobs_job {join_result("jobs_job")}
    WHERE jobs_job.id = ANY (%(awaited)s::uuid[])
    AND (jobs_job.state = ANY (%(ended)s::text[]) OR jobs_job.id = ANY (%(due)s::uuid[]))
"""  # noqa: S608
ENDED: Final = [state for state in State if state not in ACTIVE]


@dataclass(eq=False)
class Awaited:
    """A request that waits for the end of a job, until `until` at most (monotonic clock)."""

    job_id: UUID
    until: float
    since: float = field(default_factory=time.monotonic)
    row: dict[str, Any] | None = None
    is_answered: threading.Event = field(default_factory=threading.Event)

    @property
    def job(self) -> Job | None:
        """The job as it was at the last look, with its published result; None if it was not read, or is gone."""
        return job_with_result(self.row) if self.row else None

    def answer(self, row: dict[str, Any] | None) -> None:
        """Called once, by the thread that polls."""
        self.row = row
        self.is_answered.set()


class EndPoller:
    """Polls while somebody waits. Its thread begins with the first who does, and ends soon after the last."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._awaited: list[Awaited] = []
        self._thread: threading.Thread | None = None

    def add(self, awaited: Awaited) -> None:
        """From now on, look for the end of this job."""
        with self._changed:
            self._awaited.append(awaited)
            self._changed.notify()
            if self._thread is None or not self._thread.is_alive():  # a start may have failed
                self._thread = threading.Thread(target=self._run, name="end-poller", daemon=True)
                self._thread.start()

    def remove(self, awaited: Awaited) -> None:
        """Nobody waits for this answer any more."""
        with self._changed:
            if awaited in self._awaited:
                self._awaited.remove(awaited)

    def _run(self) -> None:
        try:
            while waiting := self._next():
                pause = self._poll(waiting)
                self._rest(pause)
        finally:
            connection.close()

    def _next(self) -> list[Awaited]:
        """Those who wait; none if nobody has come for a while. Then this thread ends, and the next one begins anew."""
        with self._changed:
            if not self._awaited:
                self._changed.wait_for(lambda: self._awaited, LINGER_SECONDS)
            if not self._awaited:
                self._thread = None
            return list(self._awaited)

    def _poll(self, waiting: list[Awaited]) -> float:
        """Answer those whose job has ended or whose wait is over. Returns the least pause until the next poll."""
        due = [one for one in waiting if time.monotonic() >= one.until - LAST_LOOK_SECONDS]
        try:
            rows = ended_or_due({one.job_id for one in waiting}, due={one.job_id for one in due})
        except Exception as error:  # whoever waits is answered at the end of the wait, whatever is wrong here
            logger.warning("ends_unknown", error=repr(error))
            connection.close()
            return PAUSE_AFTER_FAILURE
        for one in waiting:
            if one.job_id in rows or one in due:
                self.remove(one)
                one.answer(rows.get(one.job_id))
        return SHORTEST_PAUSE

    def _rest(self, pause: float) -> None:
        """Until the next poll is due. A request that begins to wait makes it due sooner, but never within `pause`."""
        polled_at = time.monotonic()
        with self._changed:
            while self._awaited and (left := self._next_poll(polled_at, pause) - time.monotonic()) > 0:
                self._changed.wait(left)

    def _next_poll(self, polled_at: float, pause: float) -> float:
        waited = polled_at - max(one.since for one in self._awaited)
        next_end = min(one.until for one in self._awaited) - LAST_LOOK_SECONDS
        return max(polled_at + pause, min(polled_at + min(waited / 10, LONGEST_PAUSE), next_end))


def ended_or_due(awaited: Iterable[UUID], *, due: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The rows of the jobs that have ended or are `due`, by id, for `job_with_result`. One statement."""
    with answering_within(POLL_TIMEOUT_SECONDS):
        rows = fetch_all(ENDED_OR_DUE, awaited=list(awaited), due=list(due), ended=ENDED)
    return {row["id"]: row for row in rows}


POLLER: Final = EndPoller()
