"""A stream of rows held to a rate, by waiting between its chunks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: How far a late stream may catch up. Seconds at the rate.
BURST_SECONDS: Final = 0.1


class Pacer:
    """A leaky bucket (ITU-T I.371): rows that pass are owed until the time that they take at the rate has passed.

    `rate` is in rows per second, None is no limit; it may be changed at any time, even while rows are owed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate: float | None = None
        self._clock = clock
        self._owed = 0.0
        self._settled_at = clock()

    def charge(self, rows: int) -> None:
        """Count rows that have passed."""
        self._settle()
        self._owed += rows

    def seconds_to_wait(self) -> float:
        """Seconds until more rows may pass, at the current rate."""
        self._settle()
        return max(0.0, self._owed / self.rate) if self.rate else 0.0

    def _settle(self) -> None:
        now = self._clock()
        passed, self._settled_at = now - self._settled_at, now
        if self.rate is None:
            self._owed = 0.0
        else:
            self._owed = max(-self.rate * BURST_SECONDS, self._owed - self.rate * passed)
