"""How long a running attempt will still take: from its own rows, and from past attempts of its type.

Pure: `jobs.estimates.estimate` reads the database. Unknown values are None, never guesses.
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

#: A type with fewer past attempts has no history.
MIN_ATTEMPTS: Final = 3
#: Expected rows are ignored if the middle half of their ratios to the real rows spreads over more than this factor.
WIDEST_SPREAD: Final = 2.0
#: Heartbeats report rows each second, so no rows have come during a longer silence. Seconds.
SILENCE_SECONDS: Final = 2.0
#: Slow rows have gaps between them: a silence of up to this many usual gaps means nothing.
GAPS_OF_SILENCE: Final = 1.5
#: Share of the rows after which only their rate counts. The first rows say little about it, so until then the type's
#: history counts as well, less and less.
SETTLED_SHARE: Final = 0.5
#: Once rows have come for this time, only their rate counts if it makes the attempt longer or shorter than all of its
#: type by this factor: its pace may have changed. Seconds, and a factor.
UNUSUAL_AFTER_SECONDS: Final = 5.0
UNUSUAL_BY: Final = 1.5


@dataclass(frozen=True)
class Progress:
    """A running attempt, in seconds and rows. `rate` and `flowing` are those of its last heartbeat."""

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
class PastAttempts:
    """The newest successful attempts of a type: the seconds and rows of each, and the rows that it expected.

    `bytes` are the sizes of the newest of them only, as long as some were counted before sizes were kept.
    """

    seconds: Sequence[float] = ()
    rows: Sequence[int] = ()
    rows_expected: Sequence[int | None] = ()
    bytes: Sequence[int] = ()

    @property
    def are_few(self) -> bool:
        """Whether they are too few to estimate from."""
        return len(self.seconds) < MIN_ATTEMPTS

    @cached_property
    def median_seconds(self) -> float | None:
        """The median duration."""
        return None if self.are_few else median(self.seconds)

    @cached_property
    def usual_rows(self) -> int | None:
        """The median of their rows; None if they are too few, or spread too widely."""
        return _usual(self.rows)

    @cached_property
    def usual_bytes(self) -> int | None:
        """The median of their sizes; None if they are too few, or spread too widely."""
        return _usual(self.bytes)

    @cached_property
    def expectation_ratio(self) -> float | None:
        """The median ratio of real to expected rows. None if it is unknown, 0 if the ratios spread too widely."""
        pairs = zip(self.rows, self.rows_expected, strict=True)
        ratios = [rows / expected for rows, expected in pairs if rows and expected]
        if len(ratios) < MIN_ATTEMPTS:
            return None
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        return middle if high <= low * WIDEST_SPREAD else 0.0

    def longer_than(self, elapsed: float, *, rows: float | None = None) -> list[float]:
        """The seconds beyond `elapsed` of each attempt that took longer.

        With `rows`, the duration of each attempt is first scaled from its own rows to that number.
        """
        if rows is None:
            return [taken - elapsed for taken in self.seconds if taken > elapsed]
        scaled = (taken * rows / had for taken, had in zip(self.seconds, self.rows, strict=True) if had)
        return [taken - elapsed for taken in scaled if taken > elapsed]


NO_ATTEMPTS: Final = PastAttempts()


def _usual(counts: Sequence[int]) -> int | None:
    if len(counts) < MIN_ATTEMPTS:
        return None
    low, middle, high = quantiles(counts, n=4, method="inclusive")
    return round(middle) if high <= low * WIDEST_SPREAD else None


def seconds_left(progress: Progress, past: PastAttempts) -> float | None:
    """How long the attempt will still take (the median); None if that is unknown."""
    times = possible_seconds_left(progress, past)
    return median(times) if times else None


def possible_seconds_left(progress: Progress, past: PastAttempts) -> list[float]:
    """Possible remaining durations of the attempt; empty if they are unknown.

    Once rows flow: the remaining rows divided by the rate. Before that, or if the number of rows is unknown: what
    longer attempts of the type took. During the first rows: a weighted mean of both.
    """
    total = expected_rows(progress, past)
    usual = past.longer_than(progress.elapsed, rows=total if past.expectation_ratio else None)
    if len(usual) < MIN_ATTEMPTS:
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


def expected_rows(progress: Progress, past: PastAttempts) -> float | None:
    """How many rows the attempt will have, corrected by the type's expectation ratio; None if that is unknown.

    The expectation often comes from the planner. It is ignored once more rows have come.
    """
    if not progress.expected:
        return None
    ratio = past.expectation_ratio
    for total in (progress.expected * (1.0 if ratio is None else ratio), float(progress.expected)):
        if total > progress.done and ratio != 0:
            return total
    return None
