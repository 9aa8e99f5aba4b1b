"""Workers whose wall clock is an hour off: leases are kept and judged in the database's time."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule

from config.stack.datafolder import BASE_DIR
from jobs.models import Attempt, Job
from jobs.states import State
from tests.support.fault import Fault
from tests.support.stack import WORKERS, Stack
from tests.support.waiting import wait_until
from tests.support.worker_clock import log_time, renewed_twice

#: By its own clock, a worker that is ahead sees each lease over already, and one that is behind sees none end. Seconds.
CLOCKS = {"csv-ahead": 3600, "csv-behind": -3600}


@pytest.fixture
def wrong_clocks(stack: Stack) -> Iterator[None]:
    """One csv worker is an hour ahead, another behind, the one that sweeps ahead; PostgreSQL and Beat are right."""
    for name in WORKERS:
        stack.stop(name)
    IntervalSchedule.objects.update(every=1)
    for name, seconds in CLOCKS.items():
        stack.start("worker-csv", as_name=name, WORKER_CONCURRENCY="1", **wrong(seconds))
    with stack.running("worker-io", **wrong(3600)), stack.running("beat"):
        yield
    for name in CLOCKS:
        if stack.is_running(name):
            stack.stop(name)


def wrong(seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is off."""
    return {"PYTHONPATH": str(BASE_DIR / "tests/support/clock"), "CLOCK_OFF_BY_SECONDS": str(seconds)}


def test_no_early_rescue_and_no_immortal_lease(wrong_clocks: None, fault: Fault) -> None:
    jobs = [fault.submit("wait") for _ in CLOCKS]
    for job in jobs:
        fault.wait_for(job, State.RUNNING, timeout=60)  # four cold starts
    attempts = [fault.writing(job) for job in jobs]
    leases = {
        pk: (until, left)
        for pk, until, left in Job.objects.values_list("pk", "lease_expires_at", F("lease_expires_at") - Now())
    }
    assert {worker_of(attempt) for attempt in attempts} == set(CLOCKS)
    for attempt in attempts:
        off = (log_time(fault, worker_of(attempt)) - attempt.started_at).total_seconds()
        assert abs(off - CLOCKS[worker_of(attempt)]) < 100, "the worker's clock is not wrong: this test shows nothing"
        lease, left = leases[attempt.job_id]
        assert lease is not None
        assert 0 < left.total_seconds() <= 4, "LEASE_SECONDS of the stack"
        wait_until(partial(renewed_twice, attempt.job_id, lease), message="the lease is renewed")
    assert [fault.outcomes(job) for job in jobs] == [[""], [""]]
    for name in CLOCKS:
        fault.stack.kill(name)
    for job in jobs:
        found = fault.wait_for(job, State.FAILED, State.QUEUED, timeout=15)
        assert fault.outcomes(job) == ["lost"]
        assert found.retry_at is None or found.retry_at.timestamp() < found.updated_at.timestamp() + 5
    fault.open_gate()


def worker_of(attempt: Attempt) -> str:
    """The name that the worker was started with, out of `name@host:pid`."""
    return attempt.worker.partition("@")[0]
