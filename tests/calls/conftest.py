"""Fixtures for everything about calls."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from calls.call import Call
from calls.ordering import ORDERING
from calls.types import CALL_TYPES, CallType
from jobs.models import Job, Queue
from jobs.worker.execution import execute_job


@pytest.fixture(autouse=True)
def calls_are_paused(request: pytest.FixtureRequest) -> None:
    """A worker of another test may be listening; `tests.support.ordered_calls` needs none."""
    if request.node.get_closest_marker("django_db") and request.path.parent.name != "hosts":
        request.getfixturevalue("db")
        Queue.objects.filter(name="calls").update(paused=True)


@pytest.fixture
def call_types(monkeypatch: pytest.MonkeyPatch) -> dict[str, CallType]:
    """The registry; what a test adds is gone afterwards."""
    types = dict(CALL_TYPES._types)
    monkeypatch.setattr(CALL_TYPES, "_types", types)
    return types


@pytest.fixture
def call_of(call_types: dict[str, CallType]) -> Callable[..., str]:
    """Register a call type made of one function of the `Call`; returns its identifier."""

    def make(function: Callable[[Call], Any], **attributes: Any) -> str:
        def run(self: CallType, call: Call, parameters: dict[str, Any], user: Any) -> Any:
            return function(call)

        members = {"identifier": "made", "title": "Made", "run": run, **attributes}
        call_types["made"] = type("Made", (CallType,), members)()
        return "made"

    return make


@pytest.fixture
def order_call(owner: User) -> Callable[[str], Job]:
    """Order a call of a type; it is not run."""

    def order(identifier: str) -> Job:
        return ORDERING.place_order(owner=owner, data={"callType": identifier}).job

    return order


@pytest.fixture
def run_attempt() -> Callable[[Job], Job]:
    """Run one attempt of a job, which need not be due, and return the job as it is then."""

    def run(job: Job) -> Job:
        Job.objects.filter(pk=job.pk, state="failed").update(state="queued", retry_at=None)
        Job.objects.filter(pk=job.pk).update(released_at=Now(), due=True)
        execute_job(job.pk, worker="here")
        job.refresh_from_db()
        return job

    return run


@pytest.fixture
def age(owner: User) -> Callable[[Job, timedelta], None]:
    """Make a job older."""

    def make_older(job: Job, by: timedelta) -> None:
        Job.objects.filter(pk=job.pk).update(created_at=Now() - by)

    return make_older
