"""Uploads to another database than that of the jobs, which commits on its own: each row once all the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.models import Job
from jobs.states import State
from jobs.worker import transitions
from tests.support.apps.warehouse.models import Item, Movement, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Movements
from tests.support.uploads import make_upload, run
from uploads.ingest import pipeline, turns
from uploads.ingest.session import Session
from uploads.models import Merge

pytestmark = pytest.mark.django_db(transaction=True)

FILE = b"Item,Supplier,Quantity,Moved at\nA-1,S-1,7,2026-01-31T12:00:00Z\n"


@pytest.fixture(autouse=True)
def elsewhere(owner: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same database by another alias: sessions and transactions of its own are all that matters here.

    Django's tests would refuse an alias that is in the settings but not among those of the test.
    """
    tenant = Tenant.objects.create(code=owner.get_username())
    supplier = Supplier.objects.create(tenant=tenant, code="S-1", name="Smith")
    Item.objects.create(tenant=tenant, code="A-1", name="Bolt", price=1, supplier=supplier)
    other = connections.create_connection("default")
    other.alias = "elsewhere"
    connections["elsewhere"] = other
    monkeypatch.setattr(Movements, "database", "elsewhere")
    yield
    other.close()
    del connections["elsewhere"]


def moved() -> list[int]:
    return list(Movement.objects.values_list("quantity", flat=True))


def run_again(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    return run(job)


def inserted(job: Job) -> int:
    return int((job.result or {})["upload"]["rowsInserted"])


def test_a_crash_between_the_two_commits(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are written, and the job is not finished. The next attempt only finishes it."""

    def finish(*args: Any, **options: Any) -> None:
        connections["elsewhere"].close()
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(transitions, "finishing", finish)
        job = run(make_upload(owner, "movements", FILE))
    assert (job.state, moved()) == (State.FAILED, [7]), job.error_message
    assert Merge.objects.get().job_id == job.pk
    job = run_again(job)
    assert (job.state, inserted(job), moved()) == (State.SUCCEEDED, 1, [7])


def test_an_attempt_that_waited_for_its_own_predecessor(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before, whose lease was lost, has written the rows meanwhile."""

    def take_turn(session: Session, table: str, context: JobContext) -> None:
        turns.take_turn(session, table, context)
        Merge.objects.create(pk=context.job.pk, result={"upload": {"rowsInserted": 1}})

    monkeypatch.setattr(pipeline, "take_turn", take_turn)
    job = run(make_upload(owner, "movements", FILE))
    assert (job.state, inserted(job), moved()) == (State.SUCCEEDED, 1, [])


@pytest.mark.parametrize(
    ("change", "state"),
    [({"fencing_token": 9}, State.RUNNING), ({"cancel_requested_at": Now()}, State.CANCELLED)],
)
def test_a_job_that_ends_before_the_rows_are_committed(
    change: dict[str, Any], state: State, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written for it."""

    def after_merge(self: Movements, connection: Any, counts: Any) -> None:
        Job.objects.update(**change)

    monkeypatch.setattr(Movements, "after_merge", after_merge)
    job = run(make_upload(owner, "movements", FILE))
    assert (moved(), Merge.objects.exists()) == ([], False)
    assert job.state == state
