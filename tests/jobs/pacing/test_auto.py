"""What the pace `auto` decides, by what was seen."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from jobs.models.queues import Pace
from jobs.pacing.aimd import FIRST_RATE, LOWEST_RATE
from jobs.pacing.auto import SAMPLE_SECONDS, Auto, congestion
from jobs.pacing.dials import Dials
from jobs.pacing.governor import CHUNK_SECONDS
from jobs.pacing.pressure import Pressure

DIALS = Dials(
    rows_per_second=None,
    pace=Pace.AUTO,
    statement_timeout_seconds=None,
    database="default",
    queue_paused=False,
    type_paused=False,
    target_busy_percent=5,
    target_active_sessions=8,
    target_latency_milliseconds=20,
    max_lag_seconds=30,
)
NO_TARGETS: dict[str, Any] = {
    "target_busy_percent": None,
    "target_active_sessions": None,
    "target_latency_milliseconds": None,
    "max_lag_seconds": None,
}
CALM = Pressure(0, 0.001, None)
BUSY = Pressure(9, 0.001, None)


class Seen:
    """A database that has looked as it is told."""

    def __init__(self, pressures: Iterable[Pressure]) -> None:
        self.pressures = iter(pressures)

    def measure(self) -> Pressure:
        return next(self.pressures)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("seen", "reasons"),
    [
        (Pressure(8, 0.020, 30), []),
        (Pressure(9, 0.020, None), ["sessions"]),
        (Pressure(0, 0.021, None), ["latency"]),
        (Pressure(0, 0.001, 31), ["lag"]),
        (Pressure(9, 1.0, 31), ["sessions", "latency", "lag"]),
    ],
)
def test_a_target_that_is_missed_is_a_reason_to_go_slower(seen: Pressure, reasons: list[str]) -> None:
    assert list(congestion(seen, DIALS)) == reasons
    assert list(congestion(seen, replace(DIALS, **NO_TARGETS))) == []


def decide(auto: Auto, *pressures: Pressure, dials: Dials = DIALS) -> float:
    """The rate after one decision by these looks, where all that it allowed has passed until then."""
    auto._probe = Seen(pressures)  # type: ignore[assignment]  # what it sees is the input of this test
    for _ in pressures:
        auto._sample_at = 0.0
        auto.sample("default", now=1.0)
    auto.decide(dials, achieved=auto.rate(dials))
    return auto.rate(dials)


def test_nothing_is_decided_before_anything_was_seen() -> None:
    auto = Auto()
    assert (decide(auto), auto.conditions()) == (FIRST_RATE, {})


def test_it_decides_by_the_mean_of_what_was_seen_since_the_last_decision() -> None:
    auto = Auto()
    assert decide(auto, CALM, CALM, BUSY) == 2 * FIRST_RATE
    assert decide(auto, BUSY, BUSY) == FIRST_RATE
    assert auto.slowed_by == ["sessions"]
    assert auto.conditions() == {
        "decisions": {"faster": 1, "sessions": 1},
        "slowedBy": ["sessions"],
        "lowestRowsPerSecond": FIRST_RATE,
        "unpacedRowsPerSecond": None,
    }


def test_it_is_at_work_for_the_share_of_the_time_that_the_operator_leaves_it() -> None:
    auto = Auto()
    auto.burst.rows_per_second = 160_000
    assert [decide(auto, CALM) for _ in range(2)] == [4_800, 4_800]
    assert (auto.conditions()["decisions"], auto.slowed_by) == ({"busy": 2}, [])
    auto.burst.rows_per_second = 120_000  # what it does for a row has become more
    assert decide(auto, CALM) == 3_600
    assert decide(auto, CALM, dials=replace(DIALS, target_busy_percent=50)) == 7_200
    assert decide(auto, BUSY) == 3_600, "half of what it was"
    assert decide(auto, BUSY) == 1_800, "less than its share"
    assert decide(auto, CALM, dials=replace(DIALS, target_busy_percent=None)) == 3_600
    assert auto.conditions()["unpacedRowsPerSecond"] == 120_000


def test_no_more_transactions_of_others_than_the_target_meet_the_report() -> None:
    """Played through: transactions of 1.2 ms that begin each 0.37 ms, looks at the load of 1 ms, and chunks."""
    auto = Auto()
    auto.burst.rows_per_second = 290_000
    rate = [decide(auto, CALM) for _ in range(2)][-1]
    chunk, look, transaction = rate * CHUNK_SECONDS / 290_000, 0.001, 0.0012
    busy = [(number * CHUNK_SECONDS, chunk) for number in range(40)]
    busy += [(number * SAMPLE_SECONDS + CHUNK_SECONDS / 2, look) for number in range(10)]
    begun = [0.00037 * number for number in range(10_800)]
    met = sum(any(at - transaction < each < at + length for at, length in busy) for each in begun) / len(begun)
    assert 0.045 < met <= 0.05


def test_a_query_that_is_slow_by_itself_is_not_held_below_the_lowest_rate() -> None:
    auto = Auto()
    auto.burst.rows_per_second = 100
    assert decide(auto, CALM) == LOWEST_RATE


def test_the_operators_limit_goes_before_all_of_it() -> None:
    auto, limited = Auto(), replace(DIALS, rows_per_second=300)
    auto.burst.rows_per_second = 1_000_000
    assert auto.rate(limited) == 300, "before anything was decided"
    assert decide(auto, CALM, dials=limited) == 300


def test_a_burst_begins_only_where_the_target_asks_for_one() -> None:
    auto = Auto()
    auto.begin_burst(replace(DIALS, target_busy_percent=None))
    assert not auto.burst.is_going_on
    auto.begin_burst(DIALS)
    assert auto.burst.is_going_on
