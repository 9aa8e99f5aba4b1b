"""The picture of a job's way."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jobs.admin.timeline import MAX_BARS, WIDTH, draw_bars
from jobs.models import Attempt, Event

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def event(name: str, seconds: float, **details: object) -> Event:
    return Event(name=name, at=T0 + timedelta(seconds=seconds), details=details)


def attempt(number: int, outcome: str) -> Attempt:
    return Attempt(number=number, outcome=outcome)


def test_waits_attempts_and_death_are_drawn_in_their_order() -> None:
    events = [
        event("submitted", 0), event("released", 1), event("started", 10, attempt=1),
        event("failed", 12, retryInSeconds=60), event("retried", 72), event("started", 73, attempt=2),
        event("failed", 75), event("dead_lettered", 75),
    ]  # fmt: skip
    bars = draw_bars(events, [attempt(1, "lost"), attempt(2, "failed")], now=T0 + timedelta(days=1))
    assert [(bar.look, bar.text.partition(": ")[2]) for bar in bars] == [
        ("queued", "waiting, 10 s"), ("attempt-lost", "attempt 1 lost, 2 s"),
        ("failed", "waiting for its retry, 1 min"),
        ("queued", "waiting, 1 s"), ("attempt-failed", "attempt 2 failed, 2 s"), ("dead", "dead, 23 h 58 min"),
    ]  # fmt: skip
    assert bars[0].x == 0
    assert all(abs(left.x + left.width - right.x) < 0.2 for left, right in pairwise(bars))
    assert abs(bars[-1].x + bars[-1].width - WIDTH) < 0.2
    assert bars[-1].width > bars[2].width > bars[0].width > bars[1].width


@pytest.mark.parametrize(
    ("failed", "end"), [("failed", "dead_lettered"), ("rescued", "dead_lettered"), ("failed", "cancelled")]
)
def test_a_failure_without_a_retry_draws_none(failed: str, end: str) -> None:
    """The two events are of one transaction, and a moment apart: each has the time of its statement."""
    events = [event("submitted", 0), event("started", 1, attempt=1), event(failed, 3), event(end, 3.001)]
    bars = draw_bars(events, [attempt(1, "failed")], now=T0 + timedelta(hours=1))
    looks = [bar.look for bar in bars]
    assert looks == ["queued", "attempt-failed", "dead"][: 3 if end == "dead_lettered" else 2]


def test_an_attempt_that_runs_reaches_until_now() -> None:
    events = [event("submitted", 0), event("started", 1, attempt=1)]
    [waited, runs] = draw_bars(events, [attempt(1, "")], now=T0 + timedelta(seconds=9))
    assert (runs.look, runs.text) == ("attempt-running", "2026-01-01 00:00:01: attempt 1 running, 8 s")
    assert waited.label == "1 s"


def test_nothing_is_drawn_after_the_end() -> None:
    events = [event("submitted", 0), event("started", 1, attempt=1), event("completed", 3), event("downloaded", 9)]
    bars = draw_bars(events, [attempt(1, "succeeded")], now=T0 + timedelta(days=9))
    assert [bar.look for bar in bars] == ["queued", "attempt-succeeded"]


def test_only_the_last_of_very_many_intervals_are_drawn() -> None:
    events = [event("submitted", 0)]
    for number in range(1, 100):
        events += [event("started", number * 2, attempt=number), event("handed_back", number * 2 + 1)]
    assert len(draw_bars(events, [], now=T0 + timedelta(hours=1))) == MAX_BARS


def test_a_job_without_events_has_no_picture() -> None:
    assert draw_bars([], [], now=T0) == []
