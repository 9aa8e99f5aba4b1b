"""One request to a remote host, when it is its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from calls.hosts.gatekeeper import Ended, gatekeeper
from calls.hosts.waiting import Granted, Waiter
from calls.models.host import LONGEST_HOST
from calls.types import Host
from jobs.context import JobContext
from jobs.postgres.pooling import release_connection

#: So many turns in a row are given back because they came too late; the next one is used nevertheless.
MOST_LATE_TURNS: Final = 3


@dataclass
class Turn:
    """The turn of a request. Say how the request ended: the circuit of the host counts failures in a row."""

    #: How long the request waited for it. Seconds.
    waited_seconds: float = 0.0
    ok: bool | None = None
    error: str = ""

    def succeed(self) -> None:
        """The host answered properly; an answer 4xx is one, too."""
        self.ok = True

    def fail(self, error: str) -> None:
        """The host did not answer, or with 5xx. `error` is a short text for the staff, without secrets."""
        self.ok, self.error = False, error


@contextmanager
def taking_turn(context: JobContext, host_key: str, declared: Host | None) -> Iterator[Turn]:
    """Wait for a turn of the host, hold it during the block, and then give it back; for one request.

    `host_key` is the host, or `host:port` if the URL names a port, in lower case; `declared` is what the call type
    declares for it, None if it does not. The thread gives its session of PostgreSQL back before it waits.

    Raises PostponedError if the host is closed or broken, or if the wait would be long; what stops the attempt, if
    anything does meanwhile.
    """
    host, began = host_key.lower()[:LONGEST_HOST], time.monotonic()
    context.check()
    granted = _wait_for_turn(context, host, declared)
    begins = time.monotonic()
    turn = Turn(waited_seconds=begins - began)
    try:
        yield turn
    finally:
        ended = Ended(granted, turn.ok, turn.error)
        gatekeeper().finish(ended, context.attempt.job_id, seconds=time.monotonic() - begins)


def _wait_for_turn(context: JobContext, host: str, declared: Host | None) -> Granted:
    """A turn that begins now, for `Gatekeeper.finish`."""
    keeper, attempt, began = gatekeeper(), context.attempt, time.monotonic()
    for trial in range(MOST_LATE_TURNS + 1):
        waiter = Waiter(host, declared, attempt.job_id, attempt.fencing_token, since=began)
        try:
            if keeper.enter(waiter, first=trial > 0):
                release_connection()
                with context.interruptible(partial(keeper.leave, waiter)):
                    waiter.woken.wait()
                    if waiter.turn is not None:
                        waiter.stopped.wait(max(0.0, waiter.turn.begins_at - time.monotonic()))
                context.check()
        except BaseException:
            keeper.leave(waiter)
            if waiter.turn is not None:
                keeper.finish(Ended(waiter.turn), attempt.job_id, seconds=None)
            raise
        if waiter.turn is None:
            raise waiter.error or context.stop_reason or context.lease_lost()
        if trial == MOST_LATE_TURNS or time.monotonic() - waiter.turn.begins_at <= waiter.turn.late_seconds:
            return waiter.turn
        keeper.finish(Ended(waiter.turn), attempt.job_id, seconds=None)
    raise AssertionError("the last trial returns or raises")
