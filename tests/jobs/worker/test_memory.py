"""The peak of one attempt, not of all that the process did before."""

import pytest

from jobs.worker.memory import peak_memory_bytes, reset_peak_memory

MANY = 200_000_000


def test_the_peak_is_that_since_the_reset() -> None:
    reset_peak_memory()  # of the tests before it in this process
    before = peak_memory_bytes()
    eaten = bytearray(MANY)
    high = peak_memory_bytes()
    del eaten
    assert high - before > MANY / 2
    reset_peak_memory()
    assert high - peak_memory_bytes() > MANY / 2


def test_without_a_reset_the_peak_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pool of threads, which share it; the kernel's file is not read for each attempt."""
    monkeypatch.setattr("jobs.worker.memory._is_reset", False)
    eaten = bytearray(MANY)
    high = peak_memory_bytes()
    del eaten
    assert high > MANY
    assert peak_memory_bytes() >= high
