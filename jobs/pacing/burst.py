"""How fast rows come when they are not slowed down: now and then some are read in a burst, without a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: How long a burst lasts. Rows of its first half do not count: they were waiting in the socket buffers. Seconds.
BURST_SECONDS: Final = 0.03
#: A burst ends after the rows of this much time at the rate. No row passes until they are made up for. Seconds.
MOST_SECONDS: Final = 2.0
#: The size of a chunk of a burst: small enough for the burst to end in time.
CHUNK_BYTES: Final = 32 * 1024
#: How long a measurement counts; the server's work for a row changes in the course of a query. Seconds.
AGAIN_SECONDS: Final = 10.0


class Burst:
    """The speed of the last burst that was long enough to measure.

    It is the speed of the server and of the reader together, so the server alone is at least as fast.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        #: None until the first measurement.
        self.rows_per_second: float | None = None
        self.is_going_on = False
        self._clock = clock
        self._rate = self._began = 0.0
        self._rows = 0
        #: When half of the burst had passed, and its rows by then.
        self._half: tuple[float, int] | None = None

    def begin_if_due(self, rate: float) -> None:
        """Begin a burst, unless the last one is recent and its rate (rows per second) was similar."""
        now = self._clock()
        if not self.is_going_on and (rate >= 2 * self._rate or now - self._began >= AGAIN_SECONDS):
            self.is_going_on, self._rate, self._began = True, rate, now
            self._rows, self._half = 0, None

    def count(self, rows: int) -> None:
        """Count rows that have passed. They may end the burst."""
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
