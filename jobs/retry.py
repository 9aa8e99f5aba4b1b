"""Pure functions that decide whether a failed attempt is retried."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs.classification import classify
from jobs.errors import RetryableError


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which delays, jobs of a kind are retried. Times in seconds."""

    max_attempts: int = 5
    first_delay_seconds: float = 10.0
    max_delay_seconds: float = 3600.0
    max_lost_in_a_row: int = 3


@dataclass(frozen=True)
class Retry:
    """Retry after `delay`."""

    delay: timedelta


@dataclass(frozen=True)
class Bury:
    """Dead-letter the job; `reason` is `permanent`, `attempts-used-up` or `worker-lost`."""

    reason: str


Decision = Retry | Bury


def decide(
    policy: RetryPolicy,
    *,
    error: BaseException,
    attempt_count: int,
    max_attempts: int,
    lost_in_a_row: int = 0,
    jitter: Callable[[float, float], float] = random.uniform,
) -> Decision:
    """What to do after attempt number `attempt_count` failed with `error`."""
    if classify(error).permanent:
        return Bury("permanent")
    if lost_in_a_row >= policy.max_lost_in_a_row:
        return Bury("worker-lost")
    if attempt_count >= max_attempts:
        return Bury("attempts-used-up")
    delay = backoff(policy, attempt_count=attempt_count, jitter=jitter)
    if isinstance(error, RetryableError) and error.retry_after_seconds is not None:
        delay = max(delay, timedelta(seconds=min(error.retry_after_seconds, policy.max_delay_seconds)))
    return Retry(delay)


def backoff(policy: RetryPolicy, *, attempt_count: int, jitter: Callable[[float, float], float]) -> timedelta:
    """Exponential backoff with full jitter: uniform between 0 and min(max, first × 2^(n−1)).

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    exponent = min(attempt_count - 1, 62)
    ceiling = min(policy.max_delay_seconds, policy.first_delay_seconds * 2**exponent)
    return timedelta(seconds=jitter(0, ceiling))
