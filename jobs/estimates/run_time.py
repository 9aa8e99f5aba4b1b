"""How long a run takes, and how long one that runs will take yet: from its rows, and from what its type took before.

Pure: `jobs.estimates.estimate` reads the database. What is not known is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from statistics import median, quantiles
from typing import Final

from jobs.models import Job
from jobs.worker.row_rate import faded

#: With fewer runs that say something, a type has no history.
FEWEST_RUNS: Final = 3
#: Expected rows are of no use where the middle half of what came of them is spread over more than this factor.
WIDEST_SPREAD: Final = 2.0
#: Heartbeats tell of rows each second; who is silent for longer has got none. Seconds.
SILENCE_SECONDS: Final = 2.0
#: Rows that come slowly are silent in between: so many times the usual gap between two of them says nothing.
GAPS_OF_SILENCE: Final = 1.5
#: Share of the rows. The first ones say little of their rate, so the type's history counts as well: less and less, and
#: nothing from here on.
SETTLED_SHARE: Final = 0.5
#: Once rows have come for so long, their rate alone counts where it makes the run longer, or shorter, than all of its
#: type by such a factor: its pace is another now, say. Seconds, and a factor.
UNUSUAL_AFTER_SECONDS: Final = 5.0
UNUSUAL_BY: Final = 1.5


@dataclass(frozen=True)
class Progress:
    """A running attempt, in seconds and rows. `rate` and `flowing` are as of when it was last heard of."""

    elapsed: float
    silent: float
    done: int
    expected: int | None
    rate: float | None
    flowing: float

    @classmethod
    def of(cls, job: Job, now: datetime) -> Progress | None:
        """None for a job that is not running."""
        if job.started_at is None:
            return None
        began = job.progress_began_at
        return cls(
            elapsed=max(0.0, (now - job.started_at).total_seconds()),
            silent=max(0.0, (now - job.updated_at).total_seconds()),
            done=job.progress_done,
            expected=job.progress_total,
            rate=job.progress_rate,
            flowing=0.0 if began is None else max(0.0, (job.updated_at - began).total_seconds()),
        )


@dataclass(frozen=True)
class PastRuns:
    """The newest runs of a type that succeeded: the seconds and rows of each, and the rows that it had expected."""

    seconds: Sequence[float] = ()
    rows: Sequence[int] = ()
    rows_expected: Sequence[int | None] = ()

    @property
    def are_few(self) -> bool:
        """Whether they say nothing."""
        return len(self.seconds) < FEWEST_RUNS

    @cached_property
    def median_seconds(self) -> float | None:
        """What one run takes: half of them took less."""
        return None if self.are_few else median(self.seconds)

    @cached_property
    def usual_rows(self) -> int | None:
        """Rows of one run; None where they are few, or have nothing in common."""
        if len(self.rows) < FEWEST_RUNS:
            return None
        low, middle, high = quantiles(self.rows, n=4, method="inclusive")
        return round(middle) if high <= low * WIDEST_SPREAD else None

    @cached_property
    def truth_of_expectations(self) -> float | None:
        """Rows that came for each that was expected. None where nobody knows, 0 where they have nothing in common."""
        pairs = zip(self.rows, self.rows_expected, strict=True)
        ratios = [rows / expected for rows, expected in pairs if rows and expected]
        if len(ratios) < FEWEST_RUNS:
            return None
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        return middle if high <= low * WIDEST_SPREAD else 0.0

    def longer_than(self, elapsed: float, *, rows: float | None = None) -> list[float]:
        """What those that took longer than `elapsed` took beyond it.

        With `rows`, each run is taken for one of so many rows, which took as much longer as it has more.
        """
        if rows is None:
            return [taken - elapsed for taken in self.seconds if taken > elapsed]
        scaled = (taken * rows / had for taken, had in zip(self.seconds, self.rows, strict=True) if had)
        return [taken - elapsed for taken in scaled if taken > elapsed]


NO_RUNS: Final = PastRuns()


def seconds_left(progress: Progress, past: PastRuns) -> float | None:
    """How long a run takes yet: as likely less as more. None where nobody knows."""
    times = times_left(progress, past)
    return median(times) if times else None


def times_left(progress: Progress, past: PastRuns) -> list[float]:
    """How long a run may take yet; empty where nobody knows.

    Rows left over the rate, once they come. Before, and where nobody knows how many there will be, what longer runs of
    its type took; with the first rows, something between.
    """
    total = expected_rows(progress, past)
    usual = past.longer_than(progress.elapsed, rows=total if past.truth_of_expectations else None)
    if len(usual) < FEWEST_RUNS:
        usual = []
    if not progress.done or total is None:
        return usual
    left = total - progress.done
    if not progress.rate:
        return usual or [left * progress.elapsed / progress.done]
    quiet = max(0.0, progress.silent - max(SILENCE_SECONDS, GAPS_OF_SILENCE / progress.rate))
    own = max(0.0, left / faded(progress.rate, seconds=progress.flowing, silent=quiet) - progress.silent)
    if not usual or _is_unusual(progress, own, usual):
        return [own]
    settled = min(1.0, progress.done / total / SETTLED_SHARE)
    return [settled * own + (1 - settled) * time for time in usual]


def _is_unusual(progress: Progress, own: float, usual: list[float]) -> bool:
    shortest, longest = progress.elapsed + min(usual), progress.elapsed + max(usual)
    is_like_them = shortest / UNUSUAL_BY <= progress.elapsed + own <= longest * UNUSUAL_BY
    return progress.flowing >= UNUSUAL_AFTER_SECONDS and not is_like_them


def expected_rows(progress: Progress, past: PastRuns) -> float | None:
    """How many rows there will be, corrected by what came of the type's expectations; None where nobody knows.

    An expectation is often the planner's. It is void where more rows have come.
    """
    if not progress.expected:
        return None
    truth = past.truth_of_expectations
    for total in (progress.expected * (1.0 if truth is None else truth), float(progress.expected)):
        if total > progress.done and truth != 0:
            return total
    return None
