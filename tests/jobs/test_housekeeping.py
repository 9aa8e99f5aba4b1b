"""Sweeps of other apps."""

import pytest

from jobs import housekeeping
from jobs.housekeeping import register_sweep
from jobs.maintenance.sweeps import SWEEPS


def count_nothing() -> int:
    """A sweep of an app."""
    return 0


def test_a_registered_sweep_is_one_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(SWEEPS)
    monkeypatch.setattr(housekeeping, "SWEEPS", known)
    for _ in range(2):
        register_sweep(count_nothing, every_seconds=60)
    assert known.keys() - SWEEPS.keys() == {"count_nothing"}
    assert (known["count_nothing"].task, known["count_nothing"].every_seconds) == ("jobs.count_nothing", 60)
    with pytest.raises(ValueError, match="count_nothing"):
        register_sweep(count_nothing, every_seconds=61)
