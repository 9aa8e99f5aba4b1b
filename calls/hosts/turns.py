"""One request to a remote host, when it is its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from calls.hosts.gatekeeper import Ended, gatekeeper
from calls.hosts.waiting import Granted, Waiter
from calls.models.host import LONGEST_HOST
from calls.types import Host
from jobs.context import JobContext
from jobs.postgres.pooling import release_connection


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
    keeper, began = gatekeeper(), time.monotonic()
    attempt = context.attempt
    waiter = Waiter(host_key.lower()[:LONGEST_HOST], declared, attempt.job_id, attempt.fencing_token)
    granted: Granted | None = None
    turn = Turn()
    seconds: float | None = None
    try:
        context.check()
        if keeper.enter(waiter):
            release_connection()
            with context.interruptible(lambda: keeper.leave(waiter)):
                waiter.woken.wait()
                if waiter.turn is not None:
                    waiter.stopped.wait(max(0.0, waiter.turn.begins_at - time.monotonic()))
            context.check()
            if waiter.error is not None:
                raise waiter.error
        begins = time.monotonic()
        turn.waited_seconds = begins - began
        try:
            yield turn
        finally:
            seconds = time.monotonic() - begins
    finally:
        keeper.leave(waiter)
        granted = waiter.turn
        if granted is not None:
            keeper.finish(Ended(granted, turn.ok, turn.error), attempt.job_id, seconds=seconds)
