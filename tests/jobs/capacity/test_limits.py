"""What breaks first: each resource, reckoned by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from jobs.capacity.history import History
from jobs.capacity.limits import GIB, MIB, Demand, Limit, first_to_break, limits_of
from jobs.capacity.plan import make_plan
from jobs.capacity.queueing import Traffic, arrivals_within_target
from jobs.capacity.resources import Resources, Sessions

#: 30 jobs a minute, 1.5 attempts each, of 4 seconds: three workers are busy.
DEMAND = Demand(Traffic(arrivals_per_second=0.75, service_seconds=4), 1.5, target_wait=20, percentile=95)
NOTHING = Resources(
    max_running={}, max_queued={}, max_queued_per_owner=None, rows_per_second=None, sessions=[],
    memory_bytes=8 * GIB, available_memory_bytes=2 * GIB, free_bytes=None,
)  # fmt: skip
PAST = History(
    jobs=1440, observed_seconds=86_400, arrivals_per_minute=1, busiest_hour_per_minute=5, attempts=2160, succeeded=1440,
    attempts_per_job=1.5, service_seconds=4, service_cv2=1, longest_seconds=30, rows_per_job=6_000,
    stored_bytes_per_job=10 * MIB, stored_byte_seconds_per_job=10 * MIB * 2 * 86_400, mean_memory_bytes=100 * MIB,
    peak_memory_bytes=128 * MIB, reads_database=True, highest_rows_per_second=5_000,
)  # fmt: skip


def limit(resource: str, *, history: History | None = PAST, demand: Demand = DEMAND, **there: Any) -> Limit:
    [found] = [each for each in limits_of(demand, replace(NOTHING, **there), history) if each.resource == resource]
    return found


def borne_by(workers: int) -> Any:
    per_second = arrivals_within_target(DEMAND.traffic, workers, target_wait=20, percentile=95)
    return pytest.approx(per_second * 60 / 1.5)


def test_places_bear_what_as_many_workers_do() -> None:
    places = limit("max_running = 4", max_running={"max_running": 4})
    assert places.arrivals_per_minute == borne_by(4)
    assert (places.reckoning, places.remedy) == (
        "at most 4 workers have a job at once",
        "raise the dial max_running",
    )
    assert limit("max_running") == Limit("max_running", math.inf, "the dial is empty")
    assert limit("max_running = 0", max_running={"max_running": 0}).arrivals_per_minute == 0


def test_those_who_wait_are_those_who_come_within_the_target() -> None:
    full = limit("max_queued = 60", max_queued={"max_queued": 60})
    assert full.arrivals_per_minute == pytest.approx(60 * (60 / 20) / 1.5)
    assert (full.reckoning, full.breaks) == ("as many arrive within 20 s; more get 503", True)
    own = limit("max_queued_per_owner = 6", max_queued_per_owner=6)
    assert own.arrivals_per_minute == pytest.approx(12)
    assert (own.reckoning, own.breaks) == (
        "as many arrive within 20 s if one owner orders all; more get 429", False
    )  # fmt: skip
    impatient = replace(DEMAND, target_wait=0)
    never = limit("max_queued = 60", demand=impatient, max_queued={"max_queued": 60})
    assert (never.arrivals_per_minute, never.reckoning) == (math.inf, "no job may wait; more get 503")
    for dial in ("max_queued", "max_queued_per_owner"):
        assert limit(dial) == Limit(dial, math.inf, "the dial is empty")


def test_sessions_are_shared_out_among_the_workers() -> None:
    sessions = [Sessions("default", 19, 3), Sessions("replica", None, 1, "it is down"), Sessions("other", -5, 3)]
    enough = limit("sessions of PostgreSQL (default)", sessions=sessions)
    assert enough.arrivals_per_minute == borne_by(6)
    assert enough.reckoning == "19 left for workers, 3 for each busy one: 6 workers"
    assert limit("sessions of PostgreSQL (other)", sessions=sessions).arrivals_per_minute == 0
    down = limit("sessions of PostgreSQL (replica)", sessions=sessions)
    assert (down.arrivals_per_minute, down.reckoning) == (None, "it is down")


def test_memory_holds_so_many_workers_at_their_peak() -> None:
    memory = limit("memory of this machine")
    assert memory.arrivals_per_minute == borne_by(64)
    assert memory.reckoning == (
        "8.0 GiB, 2.0 of it available now; 128 MiB for each worker: 64 workers if nothing else runs"
    )
    for past in (None, replace(PAST, peak_memory_bytes=None)):
        assert limit("memory of this machine", history=past).arrivals_per_minute is None


def test_files_pile_up_for_as_long_as_they_are_kept() -> None:
    """Two days of 10 MiB a minute are 28,800 MiB; one day of them is there already."""
    room = limit("room for files", free_bytes=14_400 * MIB)
    assert room.arrivals_per_minute == pytest.approx(1)
    assert room.reckoning == "14.1 GiB free; each job leaves 10.00 MiB for 2 d"
    old = replace(PAST, observed_seconds=30 * 86_400)
    assert limit("room for files", history=old, free_bytes=28_800 * MIB).arrivals_per_minute == pytest.approx(2)
    assert limit("room for files").reckoning == "object storage, or no file yet"
    fileless = replace(PAST, stored_bytes_per_job=0, stored_byte_seconds_per_job=0)
    for past in (None, fileless):
        assert limit("room for files", history=past, free_bytes=1).reckoning == "no job has left a file"


def test_rows_are_bounded_by_the_dial_and_marked_by_the_past() -> None:
    there: Any = {"rows_per_second": 1_000, "max_running": {"max_running": 5, "max_running of the type": 2}}
    dial = limit("rows_per_second × max_running", **there)
    assert dial.arrivals_per_minute == pytest.approx(60 * 2_000 / 6_000)
    assert dial.reckoning == "2,000 rows/s with all places taken; 6,000 rows for each job"
    seen = limit("most rows/s seen so far")
    assert seen.arrivals_per_minute == pytest.approx(50)
    assert not seen.breaks
    assert limit("rows_per_second × max_running", rows_per_second=5).arrivals_per_minute == math.inf
    uncounted = replace(PAST, highest_rows_per_second=None)
    assert limit("most rows/s seen so far", history=uncounted).arrivals_per_minute is None
    for past in (None, replace(PAST, rows_per_job=0)):
        assert limit("rows read per second", history=past).arrivals_per_minute is None


def test_one_queue_hands_out_so_many_a_second() -> None:
    assert limit("hand-out of the queue").arrivals_per_minute == 350 * 60 / 1.5


def test_the_lowest_comes_first_and_what_is_not_known_last() -> None:
    there = replace(
        NOTHING, max_running={"max_running": 8}, max_queued={"max_queued": 10}, max_queued_per_owner=1,
        sessions=[Sessions("default", None, 3, "down")],
    )  # fmt: skip
    limits = limits_of(DEMAND, there, PAST)
    assert [each.resource for each in limits] == [
        "max_queued_per_owner = 1",
        "max_queued = 10",
        "most rows/s seen so far",
        "max_running = 8",
        "memory of this machine",
        "hand-out of the queue",
        "rows_per_second × max_running",
        "sessions of PostgreSQL (default)",
        "room for files",
    ]
    first = first_to_break(limits)
    assert first is not None
    assert first.resource == "max_queued = 10"
    assert first_to_break(limits[-3:]) is None


def test_a_plan_looks_at_one_worker_fewer_and_one_more() -> None:
    plan = make_plan(DEMAND, NOTHING, None)
    assert plan.workers == 4
    assert [outlook.workers for outlook in plan.outlooks] == [3, 4, 5]
    assert [outlook.busy for outlook in plan.outlooks] == [1, 0.75, 0.6]
    assert plan.outlooks[0].mean_wait == math.inf
    assert plan.outlooks[1].mean_wait == pytest.approx(0.5094 * 4, abs=0.001)
    assert plan.borne_per_minute == borne_by(4)
    assert plan.borne_per_minute > DEMAND.arrivals_per_minute == pytest.approx(30)
    small = replace(DEMAND, traffic=replace(DEMAND.traffic, arrivals_per_second=0.001))
    assert [outlook.workers for outlook in make_plan(small, NOTHING, None).outlooks] == [1, 2]
