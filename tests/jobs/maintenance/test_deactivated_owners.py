"""Jobs whose owner's account was deactivated: nothing of theirs is started, and nothing is sent to them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.announcing import announce_end
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import AuditEntry, Callback, Job
from jobs.states import State
from jobs.worker.transitions import claim_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

REASON = "The owner's account was deactivated."


def sweep_all() -> None:
    for sweep in SWEEPS.values():
        sweep()


def deactivate(owner: User) -> None:
    owner.is_active = False
    owner.save()


def test_waiting_jobs_are_canceled_and_running_ones_are_asked_to_end(
    make_job: Callable[..., Job], owner: User, django_assert_max_num_queries: Callable[..., AbstractContextManager[Any]]
) -> None:
    later = Now() + timedelta(hours=1)
    waiting = [
        make_job(released_at=None),
        make_job(),
        make_job(released_at=None, scheduled_at=later, due=False),
        make_job(state=State.FAILED, retry_at=later, released_at=None),
        make_job(kind="callback", queue="callbacks", released_at=None),
    ]
    running = make_job()
    claim_job(running.pk, worker="w", celery_task_id="", lease_seconds=60)
    dead = make_job(state=State.DEAD, released_at=None)
    other = make_job(owner=User.objects.create_user("bob"), released_at=None)
    nobodys = make_job(owner=None, released_at=None)
    sweep_all()
    assert not Job.objects.filter(state=State.CANCELLED).exists()
    deactivate(owner)
    sweep_all()
    sweep_all()
    assert set(Job.objects.filter(state=State.CANCELLED)) == set(waiting)
    for job in waiting:
        event = job.events.get(name="cancelled")
        assert (event.actor, event.details) == ("", {"reason": REASON})
        entry = AuditEntry.objects.get(target_id=str(job.pk))
        assert (entry.action, entry.reason) == ("cancel", REASON)
    running.refresh_from_db()
    assert running.state == State.RUNNING
    assert running.cancel_requested_at is not None
    assert running.events.filter(name="cancel_requested").count() == 1
    states = {job.pk: job.state for job in Job.objects.filter(pk__in=[dead.pk, other.pk, nobodys.pk])}
    assert states == {dead.pk: State.DEAD, other.pk: State.QUEUED, nobodys.pk: State.QUEUED}
    with django_assert_max_num_queries(20):
        SWEEPS["cancel_jobs_of_deactivated_owners"]()


@pytest.mark.parametrize("state", [State.QUEUED, State.FAILED, State.RUNNING])
def test_the_work_of_a_bulk_run_is_left_to_stop_itself(make_job: Callable[..., Job], owner: User, state: State) -> None:
    """Else nobody would see that the run has stopped, and it would keep the same order from being given again."""
    job = make_job(kind="bulk", queue="operations", state=state)
    deactivate(owner)
    assert SWEEPS["cancel_jobs_of_deactivated_owners"]() == 0
    job.refresh_from_db()
    assert (job.state, job.cancel_requested_at) == (state, None)


def test_accounts_that_were_deactivated_long_ago_cost_nothing(
    make_job: Callable[..., Job], owner: User, django_assert_max_num_queries: Callable[..., AbstractContextManager[Any]]
) -> None:
    User.objects.bulk_create(User(username=f"gone-{number}", is_active=False) for number in range(1000))
    jobs = [make_job(owner=User.objects.get(username=f"gone-{number}"), released_at=None) for number in range(3)]
    make_job(released_at=None)
    with django_assert_max_num_queries(20) as asked:
        assert SWEEPS["cancel_jobs_of_deactivated_owners"]() == 3
    assert set(Job.objects.filter(state=State.CANCELLED)) == set(jobs)
    assert max(len(query["sql"] or "") for query in asked.captured_queries) < 4000


def test_nobody_is_told_of_the_end_of_a_deactivated_owners_job(make_job: Callable[..., Job], owner: User) -> None:
    job = make_job(state=State.SUCCEEDED, finished_at=Now(), calls_back=True)
    Callback.objects.create(job=job, url="https://receiver.example/")
    deactivate(owner)
    assert announce_end(job.pk) == []
    job.refresh_from_db()
    assert job.calls_back is False
    assert not Job.objects.filter(kind="callback").exists()
