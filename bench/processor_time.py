"""Processor time of contenders, beside their time by the clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from bench.measuring import Measured

T = TypeVar("T")


class ProcessorTime:
    """Adds up what each run of a contender took of the processors: this process and the children it waited for.

    The work of the servers is not part of it.
    """

    def __init__(self) -> None:
        self._runs: dict[str, list[float]] = {}

    def of(self, name: str, act: Callable[[], T]) -> Callable[[], T]:
        """The contender, with its processor time counted."""

        def counted() -> T:
            before = _seconds()
            made = act()
            self._runs.setdefault(name, []).append(_seconds() - before)
            return made

        return counted

    def per_row(self, name: str, rows: int) -> Measured:
        """Microseconds for each row. The first run only warms up."""
        return Measured(name, [seconds / rows * 1e6 for seconds in self._runs[name][1:]], "µs/row")


def _seconds() -> float:
    """https://docs.python.org/3/library/os.html#os.times"""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
