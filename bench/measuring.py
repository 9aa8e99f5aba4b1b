"""How contenders are timed: in turns, each from a quiet disk, more than once."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from django.db import connection

from config.stack.stopping import say

T = TypeVar("T")


class WrongWorkError(Exception):
    """A contender did not do what it was measured for, so its figures are worth nothing."""


@dataclass(frozen=True)
class Measured:
    """The repeated figures of one contender, in `unit`."""

    name: str
    values: list[float]
    unit: str

    @property
    def median(self) -> float:
        """What the ratios are made of."""
        return statistics.median(self.values)

    def per_second(self, amount: int, unit: str) -> Measured:
        """Seconds for `amount` of something, as something per second."""
        return Measured(self.name, [amount / seconds for seconds in self.values], f"{unit}/s")

    def to_json(self) -> dict[str, Any]:
        """All runs, and what the table shows of them."""
        return {**asdict(self), "median": self.median, "lowest": min(self.values), "highest": max(self.values)}

    def __str__(self) -> str:
        """With the noise: the lowest and the highest figure."""
        digits = 0 if self.median >= 1000 else 1
        low, middle, high = (f"{value:,.{digits}f}" for value in (min(self.values), self.median, max(self.values)))
        return f"{self.name}: {middle} {self.unit} ({low}..{high})"


#: All tables, also the catalog's, but not those of the sample data: only the seeding writes those, which vacuums them.
#: With five million lines, their statistics would take longer than most of what is measured.
WRITTEN: Final = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind IN ('r', 'm') AND relname NOT LIKE 'sales\\_%' AND relpersistence <> 't'
"""


def settle() -> None:
    """Do at once what the servers would do in the background, because of one contender, while the next is measured.

    Autovacuum comes once a minute: it also tells the planner how large the tables have become.
    """
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(name for (name,) in cursor.fetchall())}")
        cursor.execute("CHECKPOINT")
    os.sync()


def turns(names: Sequence[str], *, repeat: int, warm_up: bool = True) -> Iterator[tuple[str, bool]]:
    """Who is next, and whether only to warm up, which all do once; then `repeat` times, so that noise hits all alike.

    Each turn begins with another contender, each contender on servers that have settled.
    """
    for turn in range(0 if warm_up else 1, repeat + 1):
        for name in rotated(names, turn):
            yield name, turn == 0
            settle()


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """All of them, the next one first in each turn."""
    first = turn % len(names)
    return [*names[first:], *names[:first]]


def alternate(
    contenders: Mapping[str, Callable[[], T]],
    *,
    repeat: int,
    inspect: Callable[[str, T], None],
    once: Collection[str] = (),
) -> dict[str, Measured]:
    """Run all contenders in turns. `inspect` is given what a run returned, after the clock has stopped.

    Those named in `once` are so slow that a single run, without one to warm up, shows it.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for name, warm_up in turns(list(contenders), repeat=repeat):
        if name in once and (warm_up or seconds[name]):
            continue
        started = time.perf_counter()
        made = contenders[name]()
        elapsed = time.perf_counter() - started
        say(f"  {name}: {elapsed:.2f} s" + (" (warm-up)" if warm_up else ""))
        if not warm_up:
            seconds[name].append(elapsed)
        inspect(name, made)
    return {name: Measured(name, measured, "s") for name, measured in seconds.items()}
