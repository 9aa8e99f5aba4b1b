"""A stream of rows held to a rate, by waiting between its chunks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: What may be made up for after the stream was late. Seconds at the rate.
BURST_SECONDS: Final = 0.1


class Pacer:
    """A leaky bucket (ITU-T I.371): rows are charged, and owed until so much time has passed at the rate.

    `rate` is in rows per second, None is no limit; it may be changed at any time, also while rows are owed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate: float | None = None
        self._clock = clock
        self._owed = 0.0
        self._settled_at = clock()

    def charge(self, rows: int) -> None:
        """So many rows have passed."""
        self._settle()
        self._owed += rows

    def seconds_to_wait(self) -> float:
        """Until more may pass, at the rate of now."""
        self._settle()
        return max(0.0, self._owed / self.rate) if self.rate else 0.0

    def _settle(self) -> None:
        now = self._clock()
        passed, self._settled_at = now - self._settled_at, now
        if self.rate is None:
            self._owed = 0.0
        else:
            self._owed = max(-self.rate * BURST_SECONDS, self._owed - self.rate * passed)
