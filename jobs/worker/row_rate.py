"""How fast the rows of one attempt come: a mean over all of its time in which later rows count more.

A row weighs as much as the time from the first row until it came. So whatever held up the first one does not matter,
the beginning matters little, and the mean follows a rate that changes, after a minute as after an hour.
"""

from __future__ import annotations


class RowRate:
    """Of one attempt. It is told now and then how many rows there are; by one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.began_at: float | None = None
        self._seen_at = 0.0
        self._rows = 0
        self._moment = 0.0  # sum of each row's weight, in seconds

    def see(self, rows: int, *, at: float, began_at: float | None) -> None:
        """`rows` have come until `at`, the first one at `began_at`; None: none has come yet."""
        if began_at is None:
            return
        if self.began_at is None:
            self.began_at = self._seen_at = began_at
        at = max(at, self._seen_at)
        if rows > self._rows:
            middle = (self._seen_at + at) / 2 - self.began_at
            self._moment += (rows - self._rows) * middle
            self._rows = rows
        self._seen_at = at

    def per_second(self) -> float | None:
        """Rows/s as of the last look; None until rows have come for a while."""
        seconds = self.seconds()
        return 2 * self._moment / seconds**2 if seconds else None

    def seconds(self) -> float | None:
        """From the first row to the last look; None where there is no row yet."""
        return None if self.began_at is None else self._seen_at - self.began_at


def faded(rate: float, *, seconds: float, silent: float) -> float:
    """What a rate over `seconds` has become once no row has come for `silent` more."""
    return rate * (seconds / (seconds + silent)) ** 2 if silent > 0 else rate
