"""How an attempt's rows arrived over time: a few samples, for the chart on its job's page."""

from __future__ import annotations

from typing import Final

#: Samples that are kept. The job's row is written with each beat, so it must stay small.
MOST_SAMPLES: Final = 60


class RowSamples:
    """Milliseconds since the first row, and the rows until then. The newest sample is always kept.

    When there are too many, every other one is dropped, and from then on they are taken half as often. So they cover
    the whole attempt evenly, however long it takes.
    """

    def __init__(self) -> None:
        self._samples: list[tuple[int, int]] = [(0, 0)]
        self._shortest_gap = 0

    def add(self, rows: int, *, seconds: float) -> None:
        """Record that `rows` have arrived within `seconds` since the first row."""
        newest = round(seconds * 1000), rows
        if newest[0] <= self._samples[-1][0]:
            return
        is_early = len(self._samples) > 1 and newest[0] - self._samples[-2][0] < self._shortest_gap
        if is_early:
            self._samples[-1] = newest
        else:
            self._samples.append(newest)
        if len(self._samples) > MOST_SAMPLES:
            milliseconds = newest[0]
            self._samples = [*self._samples[:-1:2], newest]
            self._shortest_gap = 2 * milliseconds // MOST_SAMPLES

    def flat(self) -> list[int]:
        """Milliseconds and rows in turn, as `progress_samples` of a job."""
        return [number for sample in self._samples for number in sample]
