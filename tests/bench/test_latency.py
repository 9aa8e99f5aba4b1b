"""The wait of one order, in the database's time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from bench import latency
from bench.measuring import WrongWorkError
from jobs.models import Attempt, Job
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ordered(monkeypatch: pytest.MonkeyPatch) -> Job:
    """What `submit_job` returns: a job that has been done by the time that somebody looks."""
    job = Job.objects.create(kind="bench-nothing", queue="reports", payload={}, max_attempts=1, state=State.SUCCEEDED)
    Attempt.objects.create(job=job, number=1, fencing_token=1, worker="a")
    monkeypatch.setattr(latency, "submit_job", lambda **arguments: job)
    monkeypatch.setattr(latency, "wait_for", lambda *arguments: 0)
    return job


def test_it_is_from_the_order_to_the_start(ordered: Job) -> None:
    ordered.refresh_from_db()
    Attempt.objects.update(started_at=ordered.created_at + timedelta(milliseconds=12.5))
    assert latency.wait_of_one(User()) == 12.5


@pytest.mark.parametrize("values", [{"state": State.DEAD}, {"state": State.RUNNING}])
def test_a_job_that_did_not_succeed_is_wrong_work(ordered: Job, values: dict[str, Any]) -> None:
    Job.objects.update(**values)
    with pytest.raises(WrongWorkError, match=f"ended as {values['state']} after 1 attempts"):
        latency.wait_of_one(User())


def test_a_second_attempt_is_wrong_work(ordered: Job) -> None:
    Attempt.objects.create(job=ordered, number=2, fencing_token=2, worker="b")
    with pytest.raises(WrongWorkError, match="ended as succeeded after 2 attempts"):
        latency.wait_of_one(User())


def test_a_percentile_lies_between_the_nearest_values() -> None:
    values = [float(number) for number in range(101)]
    assert (latency.percentile(values, 50), latency.percentile(values, 99)) == (50.0, 99.0)
    assert latency.percentile([7.0], 99) == 7.0
