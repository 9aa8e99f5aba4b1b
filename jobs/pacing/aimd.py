"""A rate that follows the load: up in steps while all is well, down by half when it is not.

Additive increase and multiplicative decrease make clients that share a resource, and cannot talk to each other,
converge (D. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms", 1989). As in TCP, the rate doubles until
the first decrease (slow start, RFC 5681 section 3.1), and does not grow beyond what is used (RFC 7661).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Rows per second. The lowest rate keeps a report going on a busy database, until its statement timeout.
FIRST_RATE: Final = 5_000.0
LOWEST_RATE: Final = 500.0
STEP: Final = 2_000.0
DECREASE: Final = 0.5


@dataclass(frozen=True)
class Throttle:
    """The rate in rows per second; `slow_start` until its first decrease."""

    rate: float = FIRST_RATE
    slow_start: bool = True


def adjust(throttle: Throttle, *, congested: bool, achieved: float, ceiling: float | None) -> Throttle:
    """The next rate, at most the operator's `ceiling`; `achieved` rows per second have passed since the last call."""
    rate = throttle.rate
    if congested:
        return Throttle(_within(min(rate, achieved or rate) * DECREASE, ceiling), slow_start=False)
    grown = rate * 2 if throttle.slow_start else rate + STEP
    return Throttle(_within(max(rate, min(grown, 2 * achieved)), ceiling), slow_start=throttle.slow_start)


def _within(rate: float, ceiling: float | None) -> float:
    rate = max(rate, LOWEST_RATE)
    return rate if ceiling is None else min(rate, ceiling)
