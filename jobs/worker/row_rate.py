"""The rate at which an attempt's rows arrive: a mean over its whole time, in which later rows count more.

A row's weight is the time from the first row to its arrival. So a delay before the first row does not matter, the
beginning matters little, and the mean follows a change of the rate, after a minute as well as after an hour.
"""

from __future__ import annotations

from jobs.worker.row_samples import RowSamples


class RowRate:
    """The rate of one attempt, from occasional counts of its rows. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.began_at: float | None = None
        self.samples = RowSamples()
        self._seen_at = 0.0
        self._rows = 0
        self._moment = 0.0  # sum of each row's weight, in seconds

    def see(self, rows: int, *, at: float, began_at: float | None) -> None:
        """Record that `rows` arrived until `at`, the first one at `began_at` (None: no row has arrived yet)."""
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
        self.samples.add(rows, seconds=at - self.began_at)

    def per_second(self) -> float | None:
        """Rows per second at the last count; None until some time has passed since the first row."""
        seconds = self.seconds()
        return 2 * self._moment / seconds**2 if seconds else None

    def seconds(self) -> float | None:
        """The seconds from the first row to the last count; None before the first row."""
        return None if self.began_at is None else self._seen_at - self.began_at


def faded(rate: float, *, seconds: float, silent: float) -> float:
    """A rate over `seconds` after a further time of `silent` seconds in which no row arrived."""
    return rate * (seconds / (seconds + silent)) ** 2 if silent > 0 else rate
