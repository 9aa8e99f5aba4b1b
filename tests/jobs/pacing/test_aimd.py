"""The rate that follows the load: pure, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.pacing.aimd import FIRST_RATE, LOWEST_RATE, STEP, Throttle, adjust


def test_it_doubles_until_the_first_congestion_and_goes_up_in_steps_from_then_on() -> None:
    throttle = Throttle()
    rates = []
    for congested in (False, False, True, False, False):
        throttle = adjust(throttle, congested=congested, achieved=throttle.rate, ceiling=None)
        rates.append(throttle.rate)
    half = FIRST_RATE * 2
    assert rates == [FIRST_RATE * 2, FIRST_RATE * 4, half, half + STEP, half + 2 * STEP]


def test_a_rate_that_is_not_used_does_not_grow() -> None:
    throttle = Throttle(rate=50_000)
    assert adjust(throttle, congested=False, achieved=3_000, ceiling=None) == throttle


def test_under_congestion_it_starts_from_what_is_really_used() -> None:
    assert adjust(Throttle(rate=50_000), congested=True, achieved=4_000, ceiling=None).rate == 2_000
    assert adjust(Throttle(rate=50_000), congested=True, achieved=0, ceiling=None).rate == 25_000


def test_the_operators_limit_holds_below_the_lowest_rate_too() -> None:
    assert adjust(Throttle(rate=5_000), congested=False, achieved=5_000, ceiling=6_000).rate == 6_000
    assert adjust(Throttle(rate=5_000), congested=True, achieved=5_000, ceiling=100).rate == 100


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1e6)), max_size=200))
def test_it_never_stands_still(looks: list[tuple[bool, float]]) -> None:
    throttle = Throttle()
    for congested, achieved in looks:
        throttle = adjust(throttle, congested=congested, achieved=achieved, ceiling=None)
        assert throttle.rate >= LOWEST_RATE


def test_two_that_share_a_database_converge() -> None:
    capacity, rates = 40_000, [Throttle(rate=35_000, slow_start=False), Throttle(rate=1_000, slow_start=False)]
    for _ in range(200):
        congested = sum(throttle.rate for throttle in rates) > capacity
        rates = [adjust(each, congested=congested, achieved=each.rate, ceiling=None) for each in rates]
    assert rates[0].rate == pytest.approx(rates[1].rate, rel=0.05)
