"""The threads of this process that wait for a host, first come, first served. Nothing here asks PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_noop as _

from calls.types import Host
from jobs.errors import PostponedError

#: So many jobs may wait for a host in a process, however slow it is.
ALWAYS_WAITING: Final = 4
#: For how long a host that was seen open and without limits stays so. Seconds.
FRESH_SECONDS: Final = 0.25
#: What the owner of a postponed call sees.
CLOSED: Final = _("A remote service is not to be called for a while.")
BROKEN: Final = _("A remote service keeps failing, so it is not called for a while.")
BUSY: Final = _("Many calls wait for a remote service, so this one waits for its turn.")
#: How much the average duration of requests follows the last one.
SMOOTHING: Final = 0.2


@dataclass(eq=False)
class Waiter:
    """A thread that waits for a turn. It has one once `turn` is set, and must leave once `error` is set."""

    host: str
    declared: Host | None
    job_id: UUID
    fencing_token: int
    since: float = field(default_factory=time.monotonic)
    turn: Granted | None = None
    error: PostponedError | None = None
    #: The thread no longer waits: a turn that is granted to it now is given back.
    has_left: bool = False
    woken: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        """Call it once the fields above say why."""
        self.woken.set()


@dataclass(frozen=True)
class Granted:
    """A turn: the id of its row, if the host has limits; when it begins, by the monotonic clock; whether it probes."""

    host: str
    turn_id: int | None = None
    begins_at: float = 0.0
    #: How long after that it can be used.
    late_seconds: float = float("inf")
    is_probe: bool = False


@dataclass
class Line:
    """A host as this process knows it, and who waits for it."""

    host: str
    waiters: deque[Waiter] = field(default_factory=deque)
    #: The row that a statement returned, and when, by the monotonic clock. None: the host has no row.
    state: dict[str, Any] | None = None
    seen_at: float = float("-inf")
    #: When the next statement may grant turns, by the monotonic clock.
    next_try_at: float = 0.0
    #: Seconds between two turns, and until the first one; by the last statement.
    spacing: float = 0.0
    lead: float = 0.0
    #: The average duration of a request that had a turn; None before the first one has ended. Seconds.
    duration: float | None = None
    #: Until when jobs that were postponed come back, by the monotonic clock.
    resumes_until: float = 0.0
    #: Turns that are over need not be given back at once: there are enough.
    has_room: bool = False
    #: All who wait are sent back: the host is shut for longer than anybody waits.
    must_go: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether each request needs a turn, as far as is known."""
        state = self.state
        return state is not None and (
            state["in_flight"] is not None
            or state["per_second"] is not None
            or state["shut_seconds"] > 0
            or state["is_broken"]
        )

    @property
    def is_free(self) -> bool:
        """Whether requests need no turn: the host was just seen open, healthy and without limits."""
        return not self.is_limited and time.monotonic() - self.seen_at <= FRESH_SECONDS

    def see(self, state: dict[str, Any] | None) -> None:
        """Remember what a statement has returned."""
        now = time.monotonic()
        self.state, self.seen_at = state, now
        if state is not None and state["resume_seconds"] > 0:
            self.resumes_until = max(self.resumes_until, now + state["resume_seconds"])

    def expected_wait(self, place: int) -> float:
        """How long the waiter at this place, counted from 0, will probably wait for its turn. Seconds."""
        state = self.state or {}
        by_rate = self.lead + place * self.spacing
        in_flight = state.get("in_flight")
        by_room = (place + 1) * self.duration / in_flight if in_flight and self.duration else 0.0
        return max(by_rate, by_room)

    def note_duration(self, seconds: float) -> None:
        """Let the average follow a request that has ended."""
        self.duration = seconds if self.duration is None else self.duration + SMOOTHING * (seconds - self.duration)


class Patience:
    """How long a job waits: it is patient while any of its threads has a turn, or got one a moment ago.

    So `each` with more threads than the host allows goes on at the host's rate, while a job that gets nothing frees its
    worker.
    """

    def __init__(self) -> None:
        self._turns: dict[UUID, int] = defaultdict(int)
        self._last: dict[UUID, float] = {}
        self._waiting: dict[UUID, int] = defaultdict(int)

    def begin_waiting(self, job_id: UUID) -> None:
        self._waiting[job_id] += 1

    def end_waiting(self, job_id: UUID) -> None:
        self._waiting[job_id] -= 1
        self._forget(job_id)

    def begin_turn(self, job_id: UUID) -> None:
        self._turns[job_id] += 1

    def end_turn(self, job_id: UUID) -> None:
        self._turns[job_id] -= 1
        self._last[job_id] = time.monotonic()
        self._forget(job_id)

    def is_over(self, waiter: Waiter) -> bool:
        """Whether the job of this waiter has waited for CALL_TURN_WAIT_SECONDS in vain."""
        if self._turns.get(waiter.job_id, 0) > 0:
            return False
        since = max(waiter.since, self._last.get(waiter.job_id, 0.0))
        return time.monotonic() - since >= settings.CALL_TURN_WAIT_SECONDS

    def is_progressing(self, waiter: Waiter) -> bool:
        """Whether another thread of the job has a turn."""
        return self._turns.get(waiter.job_id, 0) > 0

    def _forget(self, job_id: UUID) -> None:
        """Keep nothing of jobs without waiting threads and turns."""
        if self._turns.get(job_id, 0) <= 0 and self._waiting.get(job_id, 0) <= 0:
            for kept in (self._turns, self._last, self._waiting):
                kept.pop(job_id, None)


def too_many(line: Line, patience: Patience) -> list[Waiter]:
    """Waiters that are refused now: they would wait for too long, or too many jobs wait for this host already."""
    refused: list[Waiter] = []
    jobs: set[UUID] = set()
    place = 0
    for waiter in line.waiters:
        is_new = waiter.job_id not in jobs
        if is_new and not patience.is_progressing(waiter):
            in_time = line.expected_wait(place) <= settings.CALL_TURN_WAIT_SECONDS
            if len(jobs) >= (settings.CALL_TURN_WAITERS if in_time else ALWAYS_WAITING):
                refused.append(waiter)
                continue
        jobs.add(waiter.job_id)
        place += 1
    return refused


def refusal(host: str, row: dict[str, Any] | None, place: int, *, default_seconds: float) -> PostponedError:
    """Why a waiter is sent back, and for how long, by a row of POSTPONE."""
    why = row["why"] if row else "busy"
    delay = timedelta(seconds=row["first"] + place * row["spacing"] if row else default_seconds)
    match why:
        case "closed":
            return PostponedError(f"{host} is closed: {row and row['closed_reason']}", public=CLOSED, delay=delay)
        case "broken":
            return PostponedError(f"{host} keeps failing: {row and row['last_error']}", public=BROKEN, delay=delay)
    return PostponedError(f"{host} has no turn within {settings.CALL_TURN_WAIT_SECONDS:g} s", public=BUSY, delay=delay)
