"""The retry policy: pure, so tried with many numbers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import PermanentError, RetryableError, UnknownKindError, WorkerLostError
from jobs.retry import Bury, Retry, RetryPolicy, backoff, decide


def longest(low: float, high: float) -> float:
    return high


@given(
    attempt=st.integers(1, 10**6),
    first=st.floats(0.1, 1000),
    most=st.floats(0.1, 100_000),
    luck=st.floats(0, 1),
)
def test_backoff_lies_between_nothing_and_the_bounded_doubling(
    attempt: int, first: float, most: float, luck: float
) -> None:
    policy = RetryPolicy(first_delay_seconds=first, max_delay_seconds=most)
    delay = backoff(policy, attempt_count=attempt, jitter=lambda low, high: low + luck * (high - low))
    ceiling = min(most, first * 2 ** min(attempt - 1, 62))
    assert timedelta(0) <= delay <= timedelta(seconds=ceiling)


def test_backoff_doubles_and_stops_at_the_longest() -> None:
    policy = RetryPolicy(first_delay_seconds=10, max_delay_seconds=60)
    delays = [backoff(policy, attempt_count=number, jitter=longest).total_seconds() for number in range(1, 6)]
    assert delays == [10, 20, 40, 60, 60]


@pytest.mark.parametrize("error", [PermanentError("no"), UnknownKindError("gone")])
def test_what_cannot_be_cured_is_buried_at_once(error: Exception) -> None:
    assert decide(RetryPolicy(), error=error, attempt_count=1, max_attempts=5) == Bury("permanent")


@pytest.mark.parametrize("error", [RetryableError("later"), ValueError("odd"), MemoryError(), WorkerLostError("gone")])
def test_anything_else_is_retried_until_the_attempts_are_used_up(error: Exception) -> None:
    policy = RetryPolicy(first_delay_seconds=3)
    assert decide(policy, error=error, attempt_count=4, max_attempts=5, jitter=longest) == Retry(timedelta(seconds=24))
    assert decide(policy, error=error, attempt_count=5, max_attempts=5) == Bury("attempts-used-up")


def test_three_lost_attempts_in_a_row_are_a_poison_pill() -> None:
    policy, error = RetryPolicy(), WorkerLostError("gone")
    assert isinstance(decide(policy, error=error, attempt_count=2, max_attempts=9, lost_in_a_row=2), Retry)
    assert decide(policy, error=error, attempt_count=3, max_attempts=9, lost_in_a_row=3) == Bury("worker-lost")
