"""The jobs that do the work of a bulk run: which of them works, in whose name."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from jobs.bulk import kind, work
from jobs.bulk.kind import run_bulk
from jobs.bulk.steering import (
    drop_run,
    pause_run,
    resume_run,
    start_run,
    undo_run,
)
from jobs.context import JobContext
from jobs.errors import CancelRequestedError
from jobs.inspection import InvalidPayloadError
from jobs.models import AuditEntry, Job, Queue
from jobs.models.bulk import BulkRun, Stage
from jobs.states import State
from tests.support.bulk_legs import context_of, leg, order, outcomes
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "payload",
    [
        {"run": 10**30, "stage": "checking"},
        {"run": True, "stage": "checking"},
        {"run": "1", "stage": "checking"},
        {"run": 1, "stage": "over"},
        {"run": 1},
        [],
    ],
)
def test_the_payload_of_a_leg_is_nothing_to_edit(payload: Any) -> None:
    with pytest.raises(InvalidPayloadError):
        kind.KIND.inspector.validate(payload, None)


def test_the_payload_of_a_leg_is_valid_as_it_was_written(actor: User) -> None:
    order(actor)
    payload = Job.objects.get(kind="bulk").payload
    assert kind.KIND.inspector.validate(payload, actor) == payload


@pytest.mark.django_db(transaction=True)
def test_of_two_legs_of_a_run_only_one_works(
    owner: User, make_job: Callable[..., Job], kind_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after pause and resume within the tenth of a second before the first leg looks."""
    kind_of(lambda context: None)
    Queue.objects.update(paused=True)
    for _ in range(30):
        make_job(state=State.DEAD, released_at=None)
    actor = User.objects.create_superuser("grace")
    run = order(actor, jobs_per_second=100)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    pause_run(run, actor=actor)
    resume_run(run, actor=actor)
    legs = list(Job.objects.filter(kind="bulk", state=State.QUEUED).order_by("pk"))
    contexts = [context_of(job) for job in legs]
    at_work: list[int] = []
    most = []
    real = work.change_jobs

    def watched(context: JobContext, run: BulkRun) -> None:
        at_work.append(1)
        most.append(len(at_work))
        real(context, run)
        at_work.pop()

    monkeypatch.setattr(kind, "change_jobs", watched)
    with Threads(2) as threads:
        results = list(threads.map(run_bulk, contexts))
    assert [result["stage"] for result in results] == ["taken over", Stage.DONE]
    assert (max(most), outcomes(run)) == (1, ["changed"] * 30)


def test_an_earlier_leg_leaves_the_work_to_the_later_one(actor: User, dead_job: Callable[..., Job]) -> None:
    """Each resumption is a job; of those that wait for a worker, only the last has something to do."""
    dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    for _ in range(3):
        pause_run(run, actor=actor)
        resume_run(run, actor=actor)
    *earlier, last = Job.objects.filter(kind="bulk", state=State.QUEUED).order_by("pk")
    for job in (*earlier, last):
        stage = run_bulk(context_of(job))["stage"]
        assert stage == (Stage.DONE if job == last else "taken over")
        assert outcomes(run) == (["changed"] if job == last else ["pending"])


def test_a_run_heeds_its_worker(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    run = order(actor)
    job = Job.objects.get(kind="bulk")
    context = context_of(job)
    context.stop(CancelRequestedError())
    with pytest.raises(CancelRequestedError):
        run_bulk(context)
    assert run.items.count() == 0


def test_a_run_that_was_dropped_stays_so(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    drop_run(run, actor=actor)
    User.objects.filter(pk=actor.pk).update(is_superuser=False)
    leg(run)
    assert run.stage == Stage.DROPPED


def test_a_person_who_may_not_do_it_any_more_ends_the_run(actor: User, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    User.objects.filter(pk=actor.pk).update(is_superuser=False)
    actor.user_permissions.add(Permission.objects.get(codename="run_bulkrun"))  # but not requeue_job
    leg(run)
    assert (run.stage, run.note) == (Stage.HALTED, "The person who started this run no longer has the permission.")
    assert Job.objects.get(pk=job.pk).state == State.DEAD


def test_the_trail_names_who_pressed(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    run = order(actor)
    leg(run)
    other = User.objects.create_superuser("bob")
    start_run(run, actor=other, with_canary=False)
    leg(run)
    assert AuditEntry.objects.get(action="requeue").actor == "bob"
    undo_run(run, actor=actor)
    leg(run)
    assert AuditEntry.objects.get(action="undo", target_type="job").actor == "grace"
