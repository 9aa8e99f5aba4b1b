"""Workers whose wall clock is an hour off: leases are kept and judged in the database's time."""

import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from django_celery_beat.models import IntervalSchedule

from config.datafolder import BASE_DIR
from jobs.models import Job
from jobs.states import State
from tests.faults.conftest import Fault
from tests.stack import WORKERS, Stack
from tests.waiting import wait_until


@pytest.fixture(params=[3600, -3600], ids=["ahead", "behind"])
def wrong_clocks(request: pytest.FixtureRequest, stack: Stack) -> Iterator[None]:
    """Both workers are an hour ahead, or behind; PostgreSQL and Beat are right."""
    for name in WORKERS:
        stack.stop(name)
    IntervalSchedule.objects.update(every=1)
    wrong = {"PYTHONPATH": str(BASE_DIR / "tests/faults/clock"), "CLOCK_OFF_BY_SECONDS": str(request.param)}
    with stack.running("worker-csv", **wrong), stack.running("worker-io", **wrong), stack.running("beat"):
        yield


def test_no_early_rescue_and_no_immortal_lease(wrong_clocks: None, fault: Fault) -> None:
    job = fault.submit("wait")
    attempt = fault.writing(job)
    hour_off = abs((log_time(fault) - attempt.started_at).total_seconds())
    assert 3500 < hour_off < 3700, "the worker's clock is not wrong: this test shows nothing"
    first_lease = Job.objects.get().lease_expires_at
    assert first_lease is not None
    assert 3 < (first_lease - attempt.started_at).total_seconds() < 5
    wait_until(lambda: renewed_twice(job, first_lease.timestamp()), message="the lease is renewed")
    assert fault.outcomes(job) == [""]
    fault.stack.kill("worker-csv")
    found = fault.wait_for(job, State.FAILED, State.QUEUED, timeout=15)
    assert fault.outcomes(job) == ["lost"]
    assert found.retry_at is None or found.retry_at.timestamp() < found.updated_at.timestamp() + 5
    fault.open_gate()


def log_time(fault: Fault) -> datetime:
    """The wall clock of the worker, as its last line says."""
    stamps = re.findall(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", fault.stack.log("worker-csv"), re.MULTILINE)
    return datetime.fromisoformat(stamps[-1])


def renewed_twice(job: Job, first_lease: float) -> bool:
    lease = Job.objects.get(pk=job.pk).lease_expires_at
    return lease is not None and lease.timestamp() > first_lease + 2.5
