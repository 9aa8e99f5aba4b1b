"""What a leg does, over the real database. `tests/faults/test_bulk.py` has it in real workers."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from jobs.bulk import work
from jobs.bulk.steering import (
    start_run,
    undo_run,
)
from jobs.context import JobContext
from jobs.models import AuditEntry, Event, Job
from jobs.models.bulk import BulkItem, BulkRun, Stage
from jobs.states import State
from tests.support.bulk_legs import leg, order, outcomes

pytestmark = pytest.mark.django_db


def test_a_dry_run_changes_nothing_and_tells_each_verdict(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    dead_job(kind="gone")
    dead_job(state=State.SUCCEEDED)
    run = order(actor)
    leg(run)
    assert run.stage == Stage.CHECKED
    assert outcomes(run) == ["pending", "refused"]
    refused = run.items.get(outcome="refused")
    assert (refused.level, refused.why) == (3, "No installed app registers the kind gone.")
    assert not Event.objects.filter(name="requeued").exists()


def test_a_dry_run_goes_on_where_it_was_interrupted(
    actor: User, dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [dead_job() for _ in range(5)]
    monkeypatch.setattr(work, "BATCH_SIZE", 2)
    run = order(actor)
    BulkItem.objects.create(run=run, job_id=jobs[1].pk, fencing_token=5, level=0)  # an earlier attempt came so far
    leg(run)
    assert run.items.count() == 4
    assert not run.items.filter(job_id=jobs[0].pk).exists()


def test_each_job_is_changed_once_and_what_ran_since_is_left_alone(actor: User, dead_job: Callable[..., Job]) -> None:
    jobs = [dead_job() for _ in range(4)]
    run = order(actor)
    leg(run)
    Job.objects.filter(pk=jobs[0].pk).update(fencing_token=6)
    Job.objects.filter(pk=jobs[1].pk).update(state=State.QUEUED)
    start_run(run, actor=actor, with_canary=False)
    leg(run)
    assert run.stage == Stage.DONE
    assert outcomes(run) == ["changed", "changed", "refused", "refused"]
    whys = run.items.filter(outcome="refused").order_by("job_id").values_list("why", flat=True)
    not_dead = "It is queued: only dead and failed jobs can be requeued."
    assert list(whys) == ["it has run again in the meantime", not_dead]
    told = Event.objects.filter(name="requeued")
    assert sorted(told.values_list("job_id", flat=True)) == sorted(job.pk for job in jobs[2:])
    assert set(told.values_list("actor", flat=True)) == {"grace"}
    assert set(AuditEntry.objects.filter(action="requeue").values_list("reason", flat=True)) == {
        f"fixed (bulk run {run.pk})"
    }


@pytest.mark.parametrize(("act", "state"), [(BulkRun.Act.DISCARD, "cancelled"), (BulkRun.Act.CANCEL, "cancelled")])
def test_runs_discard_and_cancel_too_without_a_canary(
    actor: User, dead_job: Callable[..., Job], act: BulkRun.Act, state: str
) -> None:
    job = dead_job()
    run = order(actor, act=act)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    leg(run)
    assert (run.stage, Job.objects.get(pk=job.pk).state) == (Stage.DONE, state)


def test_undoing_puts_back_what_has_not_begun(actor: User, dead_job: Callable[..., Job]) -> None:
    jobs = [dead_job(progress_percent=40) for _ in range(4)]
    before = list(Job.objects.filter(state="dead").order_by("pk").values())
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    leg(run)
    assert set(Job.objects.filter(queue="reports").values_list("state", flat=True)) == {"queued"}
    Job.objects.filter(pk=jobs[0].pk).update(state=State.RUNNING, fencing_token=6)  # a worker was faster
    Job.objects.filter(pk=jobs[1].pk).update(fencing_token=6)  # it has begun, and its worker handed it back
    undo_run(run, actor=actor)
    leg(run)
    assert run.stage == Stage.UNDONE
    assert outcomes(run) == ["changed", "changed", "undone", "undone"]
    assert [Job.objects.get(pk=job.pk).state for job in jobs[:2]] == [State.RUNNING, State.QUEUED]
    after = list(Job.objects.filter(state="dead").order_by("pk").values())
    assert [{**row, "updated_at": None} for row in after] == [{**row, "updated_at": None} for row in before[2:]]
    assert Event.objects.filter(name="requeue_undone").count() == 2


def test_a_canary_that_cannot_be_found_lets_the_others_go(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job(kind="gone")
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    leg(run)
    assert (run.stage, run.canary) == (Stage.DONE, None)


@pytest.mark.parametrize("state", [State.DEAD, State.FAILED, State.CANCELLED])
def test_a_canary_that_fails_halts_the_run(actor: User, dead_job: Callable[..., Job], state: State) -> None:
    jobs = [dead_job() for _ in range(3)]
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    BulkRun.objects.filter(pk=run.pk).update(canary=jobs[0].pk)
    Job.objects.filter(pk=jobs[0].pk).update(state=state, error_message="still broken")
    leg(run)
    assert (run.stage, run.note) == (Stage.HALTED, f"The canary {jobs[0].pk} is {state}: E: still broken")
    assert outcomes(run) == ["pending"] * 3


def test_a_canary_that_takes_too_long_is_a_persons_to_judge(
    actor: User, dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CANARY_SECONDS", 0.0)
    dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    leg(run)
    assert (run.stage, run.note) == (Stage.PAUSED, f"The canary {run.canary} is still queued after 0 s.")


def test_who_loses_the_right_meanwhile_changes_nothing_more(
    actor: User, dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    real = work._change_batch

    def one_batch(context: JobContext, run: BulkRun, *, at_most: int) -> int:
        User.objects.filter(pk=actor.pk).update(is_active=False)
        return real(context, run, at_most=2)

    monkeypatch.setattr(work, "_change_batch", one_batch)
    leg(run)
    assert (run.stage, outcomes(run)) == (Stage.HALTED, ["changed", "changed", "pending", "pending"])


def test_a_canary_is_chosen_and_requeued_or_neither(actor: User, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE jobs_bulkrun ADD CONSTRAINT no_canary CHECK (canary IS NULL)")
    with pytest.raises(IntegrityError), transaction.atomic():
        leg(run)
    assert (Job.objects.get(pk=job.pk).state, outcomes(run)) == (State.DEAD, ["pending"])
