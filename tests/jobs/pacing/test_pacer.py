"""The leaky bucket, on a clock of its own."""

import pytest

from jobs.pacing.pacer import Pacer
from tests.support.manual_clock import Clock


def test_without_a_rate_nothing_waits(clock: Clock) -> None:
    pacer = Pacer(clock)
    pacer.charge(1_000_000)
    assert pacer.seconds_to_wait() == 0


def test_rows_are_owed_until_their_time_has_passed(clock: Clock) -> None:
    pacer = Pacer(clock)
    pacer.rate = 100
    pacer.charge(50)
    assert pacer.seconds_to_wait() == pytest.approx(0.5)
    clock.now += 0.2
    assert pacer.seconds_to_wait() == pytest.approx(0.3)


def test_what_was_late_is_made_up_for_a_tenth_of_a_second_at_most(clock: Clock) -> None:
    pacer = Pacer(clock)
    pacer.rate = 100
    clock.now += 60
    pacer.charge(50)
    assert pacer.seconds_to_wait() == pytest.approx(0.4)


def test_a_new_rate_counts_for_what_is_owed_already(clock: Clock) -> None:
    pacer = Pacer(clock)
    pacer.rate = 1
    pacer.charge(1000)
    assert pacer.seconds_to_wait() == pytest.approx(1000)
    pacer.rate = 1000
    assert pacer.seconds_to_wait() == pytest.approx(1)
    pacer.rate = None
    assert pacer.seconds_to_wait() == 0


def test_over_a_minute_the_rate_is_exact(clock: Clock) -> None:
    pacer = Pacer(clock)
    pacer.rate = 700
    rows = 0
    while clock.now < 160:
        pacer.charge(90)
        rows += 90
        clock.now += pacer.seconds_to_wait()
    assert rows == pytest.approx(60 * 700, rel=0.005)
