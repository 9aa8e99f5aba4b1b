"""What the gatekeeper asks PostgreSQL: turns for many waiting threads at once, and their ends."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from calls.hosts.declared import limits_of
from calls.hosts.statements import FAIL, FINISH, LOOK, POSTPONE, SEED, TAKE
from calls.hosts.waiting import Granted, Line, Waiter
from jobs.postgres.statements import Rows, fetch_all

#: Turns that begin within this time are taken now, several by one statement. They count as in flight meanwhile.
AHEAD_SECONDS: Final = 0.05
#: Requests begin this much slower than per_second allows. So a second holds no more than that even if a request begins
#: LATE_SECONDS after its turn.
MARGIN: Final = 1.04
#: A turn is not used later than this: its thread was woken too late, as the processor is overloaded. Seconds.
LATE_SECONDS: Final = 0.035
#: A turn that nobody asked for in time can still be taken after this. It counts towards LATE_SECONDS.
BEHIND_SECONDS: Final = 0.02
#: Turns that one statement takes, at most.
MOST_TURNS: Final = 200
#: Postponed jobs come back this many seconds later, or later still; and how soon while a probe is under way.
SHORTEST_SECONDS: Final = 1.0
PROBE_POLL_SECONDS: Final = 5.0
#: Seconds between postponed jobs of a host without limits.
UNLIMITED_SPACING_SECONDS: Final = 0.02
#: The longest line of postponed jobs. Seconds.
LONGEST_LINE_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Taken:
    """What a statement has granted to the first of those who wait. Times are seconds from when it was answered."""

    host: str
    granted: int
    state: dict[str, Any] | None = None
    spacing: float = 0.0
    #: When the next turn may begin.
    lead: float = 0.0
    shut_seconds: float = 0.0
    is_full: bool = False
    #: At least half of the requests that may be in flight are not.
    has_room: bool = True
    #: A probe is under way; whether one of these turns is it.
    is_probed: bool = False
    is_probe: bool = False
    turns: dict[UUID, list[int]] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)

    @classmethod
    def of_all(cls, host: str, number: int) -> Taken:
        """Of a host without limits."""
        return cls(host, number)

    def assign(self, waiters: Sequence[Waiter]) -> Iterator[tuple[Waiter, Granted]]:
        """The turns of the first waiters."""
        first = self.at + self.lead - self.granted * self.spacing
        for place, waiter in enumerate(waiters[: self.granted]):
            ids = self.turns.get(waiter.job_id)
            turn_id = ids.pop() if ids else None
            yield (
                waiter,
                Granted(
                    self.host,
                    turn_id,
                    begins_at=first + place * self.spacing,
                    late_seconds=LATE_SECONDS if self.spacing and not self.is_probe else float("inf"),
                    is_probe=self.is_probe,
                ),
            )


def look_at(hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states of those hosts that have a row."""
    return {row["host"]: row for row in fetch_all(LOOK, hosts=list(hosts))}


def take(host: str, waiters: Sequence[Waiter]) -> Taken:
    """Take as many turns as there are for these waiters, in their order. A declared host gets its row if it has none.

    Two statements for a host without a row, else one.
    """
    asked = waiters[:MOST_TURNS]
    rows = _take(host, asked)
    if not rows and (declared := next((each.declared for each in asked if each.declared), None)):
        limits = limits_of(host, declared)
        fetch_all(SEED, host=host, in_flight=limits.in_flight, per_second=limits.per_second)
        rows = _take(host, asked)
    if not rows:
        return Taken.of_all(host, len(waiters))
    [row] = rows
    turns: dict[UUID, list[int]] = defaultdict(list)
    for turn_id, job_id in row["turns"] or ():
        turns[UUID(job_id)].append(turn_id)
    return Taken(
        host,
        granted=row["granted"],
        state=row,
        spacing=row["spacing"],
        lead=row["lead"] + row["granted"] * row["spacing"],
        shut_seconds=row["shut_seconds"],
        is_full=row["free"] is not None and row["free"] <= 0,
        has_room=row["free"] is None or row["free"] * 2 >= row["in_flight"],
        is_probed=row["probing"] or (row["is_broken"] and row["granted"] > 0),
        is_probe=row["is_broken"] and row["granted"] > 0,
        turns=turns,
    )


def _take(host: str, waiters: Sequence[Waiter]) -> Rows:
    return fetch_all(
        TAKE,
        host=host,
        wanted=len(waiters),
        jobs=[each.job_id for each in waiters],
        fencing_tokens=[each.fencing_token for each in waiters],
        ahead=AHEAD_SECONDS,
        behind=BEHIND_SECONDS,
        margin=MARGIN,
        probe_seconds=settings.CALL_CIRCUIT_OPEN_SECONDS,
    )


def is_to_be_told(granted: Granted, ok: bool | None, line: Line) -> bool:
    """Whether the end of a turn changes a row: success is not worth a statement while nothing is wrong."""
    if granted.turn_id is not None or granted.is_probe or ok is False:
        return True
    return bool(ok and line.state and (line.state["failures"] or line.state["is_broken"]))


def give_back(host: str, turns: Sequence[Granted], ok: bool) -> None:
    """Give turns back; `ok` closes the circuit. One statement, or none."""
    ids = [each.turn_id for each in turns if each.turn_id is not None]
    if ids or ok:
        fetch_all(FINISH, host=host, turns=ids, ok=ok)


def record_failure(host: str, error: str, *, is_probe: bool) -> None:
    """Count a failure, and open the circuit if there are enough. `error` is a short text for the staff."""
    fetch_all(
        FAIL,
        host=host,
        is_probe=is_probe,
        error=error[:200],
        threshold=settings.CALL_CIRCUIT_FAILURES,
        first=settings.CALL_CIRCUIT_OPEN_SECONDS,
        longest=settings.CALL_CIRCUIT_LONGEST_OPEN_SECONDS,
    )


def postpone(host: str, jobs: int) -> dict[str, Any] | None:
    """When so many jobs come back, and why they cannot run now. None if the host has no row, so it is open now."""
    rows = fetch_all(
        POSTPONE,
        host=host,
        jobs=jobs,
        shortest=SHORTEST_SECONDS,
        probe_poll=PROBE_POLL_SECONDS,
        spacing=UNLIMITED_SPACING_SECONDS,
        longest=LONGEST_LINE_SECONDS,
    )
    return rows[0] if rows else None
