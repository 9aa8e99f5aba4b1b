"""The thread of a process that takes turns of all hosts for the threads that wait.

One statement takes turns for all threads that wait for a host, so that waiting threads need no session of PostgreSQL.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections

from calls.hosts import taking
from calls.hosts.resuming import Resumer
from calls.hosts.waiting import Granted, Line, Patience, Waiter, refusal, too_many

logger = structlog.get_logger(__name__)

#: How often a host whose turns are all taken is asked again: other processes do not say when they give turns back.
POLL_SECONDS: Final = 0.1
#: The same while a host is closed for a moment, or a probe was sent.
SHUT_POLL_SECONDS: Final = 0.5
#: Turns are given back so much later, many by one statement, where nobody needs them. Seconds.
GIVE_BACK_SECONDS: Final = 0.05
#: How often the gatekeeper looks for threads that have waited for too long. Seconds.
LOOK_ROUND_SECONDS: Final = 0.2
#: The thread ends, and its session, after so long without anything to do.
IDLE_SECONDS: Final = 1.0
#: The pause after an error, such as an outage of PostgreSQL. Seconds.
AFTER_ERROR_SECONDS: Final = 0.3
#: How long a process that ends waits for its threads, which may wait for PostgreSQL. Seconds.
STOP_SECONDS: Final = 5.0
#: How many hosts without waiters a process remembers.
MOST_LINES: Final = 200


@dataclass(frozen=True)
class Ended:
    """A turn that is over. `ok`: whether the host answered properly; None: it is not known."""

    granted: Granted
    ok: bool | None = None
    error: str = ""


class Gatekeeper:
    """Lines of waiting threads, one for each host, and the thread that grants and refuses turns."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._ended: list[Ended] = []
        #: When these are given back, by the monotonic clock.
        self._give_back_at = float("inf")
        self._patience = Patience()
        self._resumer = Resumer()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        #: A thread has joined a line since the last round.
        self._entered = False
        self._is_stopping = False

    def enter(self, waiter: Waiter, *, first: bool = False) -> bool:
        """Join the line of a host, or its front. False: the host was just seen open and without limits."""
        with self._changed:
            line = self._line(waiter.host)
            if not line.waiters and line.is_free:
                waiter.turn = Granted(waiter.host)
                self._patience.begin_turn(waiter.job_id)
                return False
            (line.waiters.appendleft if first else line.waiters.append)(waiter)
            self._patience.begin_waiting(waiter.job_id)
            self._entered = True
            self._wake()
        return True

    def leave(self, waiter: Waiter) -> None:
        """End the wait from any thread."""
        with self._changed:
            waiter.has_left = True
            if waiter in self._line(waiter.host).waiters:
                self._line(waiter.host).waiters.remove(waiter)
                self._patience.end_waiting(waiter.job_id)
        waiter.stopped.set()
        waiter.wake()

    def finish(self, ended: Ended, job_id: UUID, *, seconds: float | None) -> None:
        """Give a turn back, with what is known of its request and how long that took. Does not wait."""
        with self._changed:
            self._patience.end_turn(job_id)
            line = self._line(ended.granted.host)
            if seconds is not None:
                line.note_duration(seconds)
            if taking.is_to_be_told(ended.granted, ended.ok, line):
                is_urgent = ended.ok is False or ended.granted.is_probe or not line.has_room
                self._end(ended, within=0.0 if is_urgent else GIVE_BACK_SECONDS)
                self._wake()

    def look_again(self, host: str) -> None:
        """The state of the host has just been changed: do not trust what was seen before."""
        with self._changed:
            self._line(host).seen_at = float("-inf")

    def stop(self) -> None:
        """Give all turns back that are over, and end the threads; for a process that ends. Nobody may wait any more."""
        with self._changed:
            self._is_stopping, thread = True, self._thread
            self._give_back_at = 0.0 if self._ended else self._give_back_at
            self._changed.notify()
        if thread is not None:
            thread.join(STOP_SECONDS)
        self._resumer.stop(STOP_SECONDS)

    def _end(self, ended: Ended, *, within: float = 0.0) -> None:
        self._ended.append(ended)
        self._give_back_at = min(self._give_back_at, time.monotonic() + within)

    def _line(self, host: str) -> Line:
        line = self._lines.get(host)
        if line is None:
            if len(self._lines) >= MOST_LINES:
                self._lines = {name: kept for name, kept in self._lines.items() if kept.waiters}
            line = self._lines[host] = Line(host)
        return line

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():  # a start may have failed
            self._thread = threading.Thread(target=self._run, name="gatekeeper", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _run(self) -> None:
        try:
            while self._wait_for_work():
                try:
                    self._give_back()
                    self._grant_and_refuse()
                except Exception as error:
                    logger.warning("turns_not_taken", error=repr(error))
                    connections.close_all()
                    self._refuse_impatient_blindly()
                    time.sleep(AFTER_ERROR_SECONDS)
        finally:
            connections.close_all()

    def _wait_for_work(self) -> bool:
        """Wait until there is something to do. False if there was nothing for IDLE_SECONDS; then the thread ends."""
        began = time.monotonic()
        with self._changed:
            while not self._entered:
                now = time.monotonic()
                tries = [line.next_try_at for line in self._lines.values() if line.waiters]
                idle = 0.0 if self._is_stopping else IDLE_SECONDS
                if not tries and not self._ended and now >= began + idle:
                    self._thread = None
                    return False
                until = min([*tries, self._give_back_at, began + (LOOK_ROUND_SECONDS if tries else idle)])
                if until <= now:
                    return True
                self._changed.wait(until - now)
            self._entered = False
        return True

    def _give_back(self) -> None:
        with self._changed:
            if self._give_back_at > time.monotonic():
                return
            ended, self._ended, self._give_back_at = self._ended, [], float("inf")
        by_host: dict[str, list[Ended]] = defaultdict(list)
        for each in ended:
            by_host[each.granted.host].append(each)
        while by_host:
            host, of_host = next(iter(by_host.items()))
            try:
                taking.give_back(host, [each.granted for each in of_host], any(each.ok for each in of_host))
                for each in of_host:
                    if each.ok is False:
                        taking.record_failure(host, each.error, is_probe=each.granted.is_probe)
            except Exception:
                with self._changed:
                    for each in (each for left in by_host.values() for each in left):
                        self._end(each)
                raise
            del by_host[host]
            with self._changed:
                line = self._line(host)
                if not line.has_room:
                    line.next_try_at = 0.0
                if any(each.ok is not None for each in of_host):
                    line.seen_at = float("-inf")

    def _grant_and_refuse(self) -> None:
        now = time.monotonic()
        with self._changed:
            waited_for = [line for line in self._lines.values() if line.waiters]
            due = [line for line in waited_for if line.next_try_at <= now]
            stale = [line for line in due if not line.is_free and (line.state is None or not line.is_limited)]
        if stale:
            states = taking.look_at([line.host for line in stale])
            with self._changed:
                for line in stale:
                    line.see(states.get(line.host))
        for line in due:
            self._grant(line)
        for line in waited_for:
            self._refuse(line)

    def _grant(self, line: Line) -> None:
        with self._changed:
            waiters = list(line.waiters)
            is_free = line.is_free and not (line.state is None and any(each.declared for each in waiters))
        if not waiters:
            return
        taken = taking.Taken.of_all(line.host, len(waiters)) if is_free else taking.take(line.host, waiters)
        with self._changed:
            if not is_free:
                line.see(taken.state)
                line.spacing, line.lead = taken.spacing, taken.lead
                line.next_try_at = time.monotonic() + _pause(taken)
                line.has_room = taken.has_room
                line.must_go = taken.shut_seconds > settings.CALL_TURN_WAIT_SECONDS and not taken.is_probed
            for waiter, granted in taken.assign(waiters):
                if waiter.has_left:
                    self._end(Ended(granted))
                    continue
                line.waiters.remove(waiter)
                self._patience.begin_turn(waiter.job_id)
                self._patience.end_waiting(waiter.job_id)
                waiter.turn = granted
                waiter.wake()

    def _refuse(self, line: Line) -> None:
        with self._changed:
            if line.must_go:
                refused = list(line.waiters)
            else:
                refused = [waiter for waiter in line.waiters if self._patience.is_over(waiter)]
                refused += [waiter for waiter in too_many(line, self._patience) if waiter not in refused]
        if refused:
            row = taking.postpone(line.host, len(refused))
            default = settings.CALL_TURN_WAIT_SECONDS
            self._send_back(line, refused, row, default_seconds=default)
            last = refusal(line.host, row, len(refused), default_seconds=default).delay
            self._resumer.keep_until(time.monotonic() + (last.total_seconds() if last else 0.0))
        elif line.resumes_until > time.monotonic():
            self._resumer.keep_until(line.resumes_until)

    def _send_back(
        self, line: Line, waiters: list[Waiter], row: dict[str, Any] | None, *, default_seconds: float
    ) -> None:
        with self._changed:
            for place, waiter in enumerate(waiters):
                if waiter in line.waiters:
                    line.waiters.remove(waiter)
                    self._patience.end_waiting(waiter.job_id)
                    waiter.error = refusal(line.host, row, place, default_seconds=default_seconds)
                    waiter.wake()

    def _refuse_impatient_blindly(self) -> None:
        """While PostgreSQL does not answer, nobody waits for longer either."""
        with self._changed:
            for line in self._lines.values():
                over = [waiter for waiter in line.waiters if self._patience.is_over(waiter)]
                seconds = settings.CALL_TURN_WAIT_SECONDS * random.uniform(1.0, 3.0)  # noqa: S311
                self._send_back(line, over, None, default_seconds=seconds)


def _pause(taken: taking.Taken) -> float:
    """Seconds until the next statement for the host may grant a turn."""
    if taken.shut_seconds > 0 or taken.is_probed:
        return min(max(taken.shut_seconds, 0.01), SHUT_POLL_SECONDS)
    if taken.is_full:
        return POLL_SECONDS
    return max(0.002, taken.lead - taking.AHEAD_SECONDS / 2)


_of_processes: dict[int, Gatekeeper] = {}


def gatekeeper() -> Gatekeeper:
    """The gatekeeper of this process; a forked one has its own."""
    known = _of_processes.get(os.getpid())
    return known or _of_processes.setdefault(os.getpid(), Gatekeeper())


def stop_gatekeeper(**kwargs: Any) -> None:
    """When a worker has stopped, its turns are given back at once. Else they are missed until their leases are over."""
    if known := _of_processes.get(os.getpid()):
        known.stop()
