"""Sweeps of other apps, which may not import `jobs.maintenance`.

A registered sweep is like those of `jobs`: `jobs.tasks` creates its Celery task, and `migrate` creates its schedule.
"""

from __future__ import annotations

from collections.abc import Callable

from jobs.maintenance.sweeping import BATCH_SIZE, PeriodicSweep
from jobs.maintenance.sweeps import SWEEPS

__all__ = ["BATCH_SIZE", "register_sweep"]


def register_sweep(function: Callable[[], int], *, every_seconds: int) -> None:
    """Add a sweep; called from an app's `AppConfig.ready()`.

    `function` is idempotent, handles at most BATCH_SIZE items, and returns how many it changed. Its name is that of the
    sweep. Raises ValueError if another sweep has this name.
    """
    sweep = PeriodicSweep(function, every_seconds)
    if SWEEPS.setdefault(sweep.name, sweep) != sweep:
        raise ValueError(f"two sweeps are named {sweep.name!r}")
