"""What ends an exchange from outside: its deadline, or a call of `abort`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from jobs.outbound.deadlines import call_at
from jobs.outbound.errors import AbortedError, AnswerLostError, NotConnectedError, UnansweredError


class Cutoff:
    """Interrupts what blocks the exchange, once. After that, everything that would block raises TimeoutError.

    `end` may be called from any thread, at any time.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self.deadline = time.monotonic() + timeout_seconds
        self.has_ended = False
        self.was_aborted = False
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None

    def end(self, *, aborted: bool = False) -> None:
        """Make the blocking call fail at once."""
        with self._lock:
            if not self.has_ended:
                self.has_ended, self.was_aborted = True, aborted
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """End at the deadline, if the block has not ended before."""
        alarm = call_at(self.deadline, self.end)
        try:
            yield
        finally:
            alarm.cancel()

    @property
    def is_over(self) -> bool:
        """Whether the exchange has ended or its deadline has passed, which another thread may notice a moment later."""
        return self.has_ended or time.monotonic() >= self.deadline

    @property
    def is_guarding(self) -> bool:
        """Whether something blocks that can be interrupted."""
        return self._interrupt is not None

    def guard(self, sock: socket.socket) -> None:
        """Shut this socket down if the exchange ends. Raises TimeoutError if it has ended."""
        self.interrupt_with(partial(shut_down, sock))

    def interrupt_with(self, interrupt: Callable[[], None]) -> None:
        """Call `interrupt` if the exchange ends. Raises TimeoutError if it has ended."""
        with self._lock:
            self._interrupt = interrupt
            if self.has_ended:
                raise TimeoutError

    def release(self) -> None:
        """Forget what to interrupt. A socket is closed only afterwards: its number might be another one's by then."""
        with self._lock:
            self._interrupt = None

    def seconds_left(self, until: float | None = None) -> float:
        """A timeout for a socket, up to the deadline or an earlier moment. Raises TimeoutError if none is left."""
        left = min(self.deadline, self.deadline if until is None else until) - time.monotonic()
        if left <= 0 or self.has_ended:
            raise TimeoutError  # 0 would mean not to wait at all
        return left

    def error(self, host: str, *, sent: bool) -> UnansweredError:
        """Why the exchange with this host has no response, now that it has ended. `sent`: part of the request was."""
        if self.was_aborted:
            return AbortedError(f"The request to {host} was aborted.", may_have_been_received=sent)
        message = f"{host} did not answer within {self.timeout_seconds:g} seconds."
        return AnswerLostError(message) if sent else NotConnectedError(message)


def shut_down(sock: socket.socket) -> None:
    """Make calls that block on this socket, in any thread, return at once."""
    # The method of SSLSocket would make the reader in another thread take ciphertext for plain text.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
