"""A burst of rows, on a clock of its own."""

import pytest

from jobs.pacing.burst import AGAIN_SECONDS, BURST_SECONDS, MOST_SECONDS, Burst
from tests.support.manual_clock import Clock


def take(burst: Burst, clock: Clock, *, rows: int, seconds: float) -> None:
    clock.now += seconds
    burst.count(rows)


def test_what_lay_ready_does_not_count(clock: Clock) -> None:
    burst = Burst(clock)
    assert burst.rows_per_second is None
    burst.begin_if_due(20_000)
    take(burst, clock, rows=9_000, seconds=0)
    take(burst, clock, rows=500, seconds=BURST_SECONDS / 2)
    take(burst, clock, rows=100, seconds=BURST_SECONDS / 4)
    assert burst.is_going_on
    take(burst, clock, rows=200, seconds=BURST_SECONDS / 2)
    assert burst.rows_per_second == pytest.approx(300 / (BURST_SECONDS * 0.75))
    take(burst, clock, rows=50_000, seconds=1)
    assert burst.rows_per_second == pytest.approx(300 / (BURST_SECONDS * 0.75)), "it is over"


def test_it_ends_after_as_many_rows_as_can_be_made_up_for(clock: Clock) -> None:
    burst = Burst(clock)
    burst.begin_if_due(100)
    take(burst, clock, rows=round(100 * MOST_SECONDS) - 1, seconds=0.001)
    assert burst.is_going_on
    take(burst, clock, rows=1, seconds=0.001)
    assert (burst.is_going_on, burst.rows_per_second) == (False, None)


def test_one_that_ends_early_tells_what_it_saw_behind_its_first_half(clock: Clock) -> None:
    burst = Burst(clock)
    burst.begin_if_due(100)
    take(burst, clock, rows=1, seconds=BURST_SECONDS / 2)
    take(burst, clock, rows=500, seconds=0.005)
    assert not burst.is_going_on
    assert burst.rows_per_second == pytest.approx(100_000)


def test_rows_that_come_slowly_are_measured_by_two_chunks(clock: Clock) -> None:
    burst = Burst(clock)
    burst.begin_if_due(20_000)
    take(burst, clock, rows=500, seconds=5)
    take(burst, clock, rows=500, seconds=5)
    assert (burst.is_going_on, burst.rows_per_second) == (False, 100)


def test_the_next_is_due_after_a_while_or_when_the_rate_has_doubled(clock: Clock) -> None:
    burst = Burst(clock)
    burst.begin_if_due(100)
    take(burst, clock, rows=200, seconds=0.001)
    for rate, seconds, due in ((199, 0.0, False), (200, 0.0, True), (200, 0.5, False), (10, AGAIN_SECONDS, True)):
        clock.now += seconds
        burst.begin_if_due(rate)
        assert burst.is_going_on is due, (rate, seconds)
        take(burst, clock, rows=1000, seconds=0.001)


def test_rows_outside_of_a_burst_are_not_counted(clock: Clock) -> None:
    burst = Burst(clock)
    take(burst, clock, rows=1_000_000, seconds=1)
    burst.begin_if_due(1_000)
    take(burst, clock, rows=10, seconds=BURST_SECONDS / 2)
    take(burst, clock, rows=10, seconds=BURST_SECONDS / 2)
    assert burst.rows_per_second == pytest.approx(10 / (BURST_SECONDS / 2))
