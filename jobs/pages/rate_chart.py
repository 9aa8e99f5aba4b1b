"""A small chart of the rows per second of a running attempt, as coordinates of an SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from django.utils.translation import gettext

from jobs.numbers import format_number
from jobs.pages.spans import exact_span

#: The coordinates of the SVG. The page stretches it to the width that there is.
WIDTH: Final = 600
HEIGHT: Final = 80
#: Fewer rates make no chart.
FEWEST_RATES: Final = 3


@dataclass(frozen=True)
class RateChart:
    """Rates in rows per second: of the newest sample, the mean, and the highest."""

    now: float
    mean: float
    highest: float
    seconds: float
    #: Corners of the line, as the attribute `points` of an SVG; empty if there are too few samples.
    line: str

    @property
    def area(self) -> str:
        """The corners of the area below the line."""
        return f"0,{HEIGHT} {self.line} {WIDTH},{HEIGHT}" if self.line else ""

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def in_words(self) -> str:
        """What the chart shows, for those who cannot see it."""
        return gettext(
            "Rows per second in the last %(time)s: now %(now)s, on average %(mean)s, at most %(highest)s."
        ) % {
            "time": exact_span(self.seconds),
            "now": format_number(self.now),
            "mean": format_number(self.mean),
            "highest": format_number(self.highest),
        }


def rate_chart(samples: Sequence[int]) -> RateChart | None:
    """The chart of `progress_samples`: milliseconds and rows in turn. None if there is no rate yet."""
    times, rows = samples[::2], samples[1::2]
    rates = [
        (later, 1000 * (rows[place + 1] - rows[place]) / (later - earlier))
        for place, (earlier, later) in enumerate(pairwise(times))
    ]
    if not rates:
        return None
    ends = times[-1]
    highest = max(rate for _, rate in rates)
    points = [(0, rates[0][1]), *rates] if len(rates) >= FEWEST_RATES else []
    line = " ".join(
        f"{WIDTH * at / ends:.1f},{HEIGHT - (HEIGHT - 2) * rate / (highest or 1):.1f}" for at, rate in points
    )
    return RateChart(now=rates[-1][1], mean=1000 * rows[-1] / ends, highest=highest, seconds=ends / 1000, line=line)
