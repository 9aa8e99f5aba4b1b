"""What a row of the table is, and how contenders are timed."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of the repeated runs of one contender."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """The noise: fastest and slowest run."""
        return f"{min(self.seconds):.2f}..{max(self.seconds):.2f}"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    ours: str
    beside: str
    value: float
    target: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is on the right side of the target."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def say(line: str) -> None:
    """Progress, for the person who waits."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def alternate(contenders: dict[str, Callable[[], object]], *, repeat: int) -> dict[str, Timing]:
    """Run all contenders once to warm up, then `repeat` times in turn, so that noise hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeat + 1):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            elapsed = time.perf_counter() - started
            say(f"  {name}: {elapsed:.2f} s" + (" (warm-up)" if turn == 0 else ""))
            if turn:
                seconds[name].append(elapsed)
    return {name: Timing(name, measured) for name, measured in seconds.items()}
