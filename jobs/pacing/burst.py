"""How fast rows come while nobody holds them up: now and then some are taken in a burst, without a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: How long a burst lasts. What passes in its first half does not count: it lay ready in the sockets. Seconds.
BURST_SECONDS: Final = 0.03
#: Its rows are at most those of so much time at the rate; after it, nothing passes until they are made up for. Seconds.
MOST_SECONDS: Final = 2.0
#: A burst is made of chunks of so many bytes, so that it can end in time.
CHUNK_BYTES: Final = 32 * 1024
#: How long a measurement counts; what the server does for a row changes in the course of a query. Seconds.
AGAIN_SECONDS: Final = 10.0


class Burst:
    """The speed of the last burst that was long enough to tell.

    It is of all that the rows pass through, the server and who takes them, so the server alone is as fast, or faster.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        #: None until there was one.
        self.rows_per_second: float | None = None
        self.is_going_on = False
        self._clock = clock
        self._rate = self._began = 0.0
        self._rows = 0
        #: When the half of it had passed, and the rows by then.
        self._half: tuple[float, int] | None = None

    def begin_if_due(self, rate: float) -> None:
        """Begin one, unless the last was a short while ago, at much the same rate in rows per second."""
        now = self._clock()
        if not self.is_going_on and (rate >= 2 * self._rate or now - self._began >= AGAIN_SECONDS):
            self.is_going_on, self._rate, self._began = True, rate, now
            self._rows, self._half = 0, None

    def count(self, rows: int) -> None:
        """So many rows have passed; if a burst is going on, this may be its end."""
        if not self.is_going_on:
            return
        now = self._clock()
        self._rows += rows
        is_over = self._rows >= self._rate * MOST_SECONDS
        if self._half is None:
            if now - self._began >= BURST_SECONDS / 2:
                self._half = now, self._rows
        else:
            is_over = is_over or now - self._began >= BURST_SECONDS
            if is_over and now > self._half[0]:
                self.rows_per_second = (self._rows - self._half[1]) / (now - self._half[0])
        self.is_going_on = not is_over
