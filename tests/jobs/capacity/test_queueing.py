"""The formulas of queues: known values, where they are exact, and how near they come beside a simulation."""

import math
from dataclasses import replace
from fractions import Fraction
from math import factorial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.capacity.queueing import (
    MOST_SERVERS,
    Traffic,
    arrivals_within_target,
    erlang_b,
    erlang_c,
    mean_wait,
    servers_needed,
    wait_percentile,
    waiting_percentile,
)
from tests.support.queue_simulation import SERVICES, draw, simulate


@pytest.mark.parametrize(
    ("servers", "erlangs", "expected"),
    [
        (1, 0.5, 0.5),
        (2, 1.0, 1 / 3),
        (5, 4.0, 0.5541),
        (10, 8.0, 0.4092),
        (10, 5.0, 0.0361),
        (100, 90.0, 0.2169),
    ],
)
def test_erlang_c_has_its_known_values(servers: int, erlangs: float, expected: float) -> None:
    assert erlang_c(servers, erlangs) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("servers", "erlangs"), [(1, 1), (3, 2), (12, 9), (40, 33)])
def test_the_recursion_is_erlangs_formula(servers: int, erlangs: int) -> None:
    weights = [Fraction(erlangs**busy, factorial(busy)) for busy in range(servers + 1)]
    assert erlang_b(servers, erlangs) == pytest.approx(float(weights[-1] / sum(weights)), rel=1e-12)
    if erlangs < servers:
        all_busy = weights[-1] * Fraction(servers, servers - erlangs)
        assert erlang_c(servers, erlangs) == pytest.approx(float(all_busy / (sum(weights[:-1]) + all_busy)), rel=1e-12)


def test_thousands_of_servers_are_as_halfin_and_whitt_found() -> None:
    """Operations Research 29, 1981: with √a servers to spare, the share that waits tends to 0.2234."""
    assert erlang_c(9_901, 9_801.9) == pytest.approx(0.2234, abs=0.003)
    assert erlang_c(5_000, 1.0) == 0.0
    assert erlang_c(8, 8.0) == 1.0


@pytest.mark.parametrize(("servers", "erlangs"), [(1, 0.7), (4, 3.0), (25, 22.0)])
def test_exponential_service_is_exact(servers: int, erlangs: float) -> None:
    """M/M/c: who waits, waits for an exponential time of mean s / (c − a); the number waiting is geometric."""
    traffic = Traffic(arrivals_per_second=erlangs / 3, service_seconds=3)
    delayed = erlang_c(servers, erlangs)
    assert mean_wait(traffic, servers) == pytest.approx(delayed * 3 / (servers - erlangs), rel=1e-12)
    within = wait_percentile(traffic, servers, 95)
    assert delayed * math.exp(-(servers - erlangs) * within / 3) == pytest.approx(0.05, rel=1e-9)
    number = int(waiting_percentile(traffic, servers, 95))
    busy = erlangs / servers
    assert delayed * busy ** (number + 1) <= 0.05 < delayed * busy**number


def test_one_server_is_exact_in_the_mean_for_any_service() -> None:
    """M/G/1: F. Pollaczek's and A. Khinchine's a s (1 + cv²) / (2 (1 − a))."""
    for cv2 in (0.0, 0.25, 9.0):
        traffic = Traffic(arrivals_per_second=0.4, service_seconds=2, service_cv2=cv2)
        assert mean_wait(traffic, 1) == pytest.approx(0.8 * 2 * (1 + cv2) / (2 * 0.2), rel=1e-12)


def test_many_find_no_one_waiting_where_servers_are_plenty() -> None:
    traffic = Traffic(arrivals_per_second=1, service_seconds=2)
    assert (wait_percentile(traffic, 8, 95), waiting_percentile(traffic, 8, 95)) == (0.0, 0)
    constant = Traffic(arrivals_per_second=1, service_seconds=2, service_cv2=0, arrival_cv2=0)
    assert (mean_wait(constant, 3), wait_percentile(constant, 3, 99), waiting_percentile(constant, 3, 99)) == (0, 0, 0)


def test_too_few_servers_never_catch_up() -> None:
    traffic = Traffic(arrivals_per_second=2, service_seconds=2)
    for servers in (0, 3, 4):
        assert mean_wait(traffic, servers) == wait_percentile(traffic, servers, 50) == math.inf
        assert waiting_percentile(traffic, servers, 50) == math.inf


def test_a_call_centre_needs_six() -> None:
    """30 calls an hour of five minutes, nine of ten answered at once (the example of Wolfram's ErlangC)."""
    traffic = Traffic(arrivals_per_second=30 / 3600, service_seconds=300)
    assert servers_needed(traffic, target_wait=0, percentile=90) == 6


@given(
    erlangs=st.floats(0.01, 300),
    service_cv2=st.floats(0, 20),
    arrival_cv2=st.floats(0.1, 5),
    target=st.floats(0, 100),
    percentile=st.floats(50, 99.9),
)
def test_what_is_needed_is_enough_and_one_fewer_is_not(
    erlangs: float, service_cv2: float, arrival_cv2: float, target: float, percentile: float
) -> None:
    traffic = Traffic(erlangs / 4, 4.0, service_cv2, arrival_cv2)
    servers = servers_needed(traffic, target_wait=target, percentile=percentile)
    assert wait_percentile(traffic, servers, percentile) <= target
    assert wait_percentile(traffic, servers - 1, percentile) > target
    borne = arrivals_within_target(traffic, servers, target_wait=target, percentile=percentile)
    assert borne >= traffic.arrivals_per_second * (1 - 1e-9)
    fewer = arrivals_within_target(traffic, servers - 1, target_wait=target, percentile=percentile)
    assert fewer <= traffic.arrivals_per_second * (1 + 1e-9)


@given(erlangs=st.floats(0.01, 60), service_cv2=st.floats(0, 20), spare=st.integers(1, 20))
def test_one_waits_longer_the_more_come_and_shorter_the_more_serve(
    erlangs: float, service_cv2: float, spare: int
) -> None:
    traffic, servers = Traffic(erlangs, 1.0, service_cv2), math.floor(erlangs) + spare
    assume(erlangs < servers - 1e-9)  # nearer to it, no float is between them
    more = replace(traffic, arrivals_per_second=min(erlangs * 1.01, servers - 1e-9))
    tiny = 1e-12
    assert wait_percentile(more, servers, 95) >= wait_percentile(traffic, servers, 95) - tiny
    assert wait_percentile(traffic, servers + 1, 95) <= wait_percentile(traffic, servers, 95) + tiny


def test_the_most_arrivals_are_the_inverse_of_the_wait() -> None:
    traffic = Traffic(arrivals_per_second=1, service_seconds=3, service_cv2=4)
    most = arrivals_within_target(traffic, 10, target_wait=5, percentile=95)
    assert wait_percentile(replace(traffic, arrivals_per_second=most), 10, 95) == pytest.approx(5)
    assert arrivals_within_target(traffic, 0, target_wait=5, percentile=95) == 0


def test_beyond_what_is_reckoned_each_server_bears_as_much_as_the_last_that_was() -> None:
    traffic = Traffic(arrivals_per_second=1, service_seconds=2)
    known = arrivals_within_target(traffic, MOST_SERVERS, target_wait=1, percentile=95)
    assert 0.99 * MOST_SERVERS / 2 < known < MOST_SERVERS / 2
    assert arrivals_within_target(traffic, 10**9, target_wait=1, percentile=95) == pytest.approx(known * 10**5)
    with pytest.raises(ValueError, match=r"keeps 20,000 workers busy, and the maximum is 10,000"):
        servers_needed(replace(traffic, arrivals_per_second=10_000), target_wait=1, percentile=95)


@pytest.mark.parametrize(
    "values", [(0, 1, 1, 1), (1, 0, 1, 1), (1, math.inf, 1, 1), (1, 1, -1, 1), (1, 1, 1, math.nan)]
)
def test_traffic_without_sense_is_refused(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Traffic(*values)


def test_a_target_without_sense_is_refused() -> None:
    traffic = Traffic(arrivals_per_second=1, service_seconds=1)
    with pytest.raises(ValueError, match="the target must be 0 seconds or more"):
        servers_needed(traffic, target_wait=-1, percentile=95)
    for percentile in (0, 100):
        with pytest.raises(ValueError, match="the percentile must be above 0 and below 100"):
            servers_needed(traffic, target_wait=1, percentile=percentile)


@pytest.mark.slow
@pytest.mark.parametrize("busy", [0.5, 0.9])
@pytest.mark.parametrize("servers", [1, 16])
@pytest.mark.parametrize("service", SERVICES)
def test_the_formula_is_near_the_simulation(service: str, servers: int, busy: float) -> None:
    """As near as its docstring says, and a little for the luck of 190,000 jobs."""
    sample = draw(service, erlangs=busy * servers, seed=1)
    mean, percentile, waiting = simulate(sample, servers)
    assert mean_wait(sample.traffic, servers) == pytest.approx(mean, rel=0.07, abs=0.02)
    assert wait_percentile(sample.traffic, servers, 95) == pytest.approx(percentile, rel=0.14, abs=0.25)
    assert waiting_percentile(sample.traffic, servers, 95) == pytest.approx(waiting, rel=0.15, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize(("erlangs", "target"), [(3.2, 1.0), (12.8, 0.2)])
@pytest.mark.parametrize("service", SERVICES)
def test_the_servers_needed_are_at_most_one_off(service: str, erlangs: float, target: float) -> None:
    sample = draw(service, erlangs=erlangs, seed=2)
    needed = servers_needed(sample.traffic, target_wait=target, percentile=95)
    assert simulate(sample, needed + 1)[1] <= target
    two_fewer = needed - 2
    assert two_fewer <= sample.traffic.erlangs or simulate(sample, two_fewer)[1] > target


@pytest.mark.slow
def test_as_many_wait_as_come_within_the_wait() -> None:
    """The law that the dial `max_queued` is reckoned with: Little's, for percentiles."""
    for service, erlangs, servers in (("exponential", 3.6, 4), ("nearly constant", 14.4, 16), ("heavy", 12.8, 16)):
        sample = draw(service, erlangs=erlangs, seed=3)
        _, wait, waiting = simulate(sample, servers)
        assert sample.traffic.arrivals_per_second * wait == pytest.approx(waiting, rel=0.05, abs=1)
