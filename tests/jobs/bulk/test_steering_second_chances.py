"""A run that halted over its canary, a second order of the same, and what can be undone."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.bulk import work
from jobs.bulk.steering import drop_run, resume_run, skip_canary, start_run, undo_run
from jobs.context import JobContext
from jobs.errors import TransitionError
from jobs.models import Event, Job
from jobs.models.bulk import BulkRun, Stage
from jobs.retry import Bury
from jobs.states import State
from jobs.worker.transitions import claim_job, fail_job, finish_job
from tests.support.bulk_legs import leg, order, outcomes

pytestmark = pytest.mark.django_db


def job_ends(monkeypatch: pytest.MonkeyPatch, run: BulkRun, state: State) -> None:
    """While the leg waits for its canary, a worker tries that, and it ends in this state."""

    def run_canary(seconds: float) -> None:
        canary = Job.objects.get(pk__in=BulkRun.objects.filter(pk=run.pk).values("canary"))
        if canary.state != State.QUEUED:
            return
        Job.objects.filter(pk=canary.pk).update(released_at=Now())  # its queue is paused
        attempt = claim_job(canary.pk, worker="w", celery_task_id="t", lease_seconds=60)
        assert attempt is not None
        if state == State.SUCCEEDED:
            finish_job(attempt, result=None, artifacts=[], rows=0, peak_memory_bytes=0)
        else:
            fail_job(attempt, error=ValueError("no"), decision=Bury("permanent"), rows=0, peak_memory_bytes=0)

    monkeypatch.setattr(work, "time", SimpleNamespace(sleep=run_canary, monotonic=time.monotonic))


@pytest.fixture
def halted(actor: User, dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> BulkRun:
    """A run over three jobs whose canary has failed again."""
    for _ in range(3):
        dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    job_ends(monkeypatch, run, State.DEAD)
    leg(run)
    assert (run.stage, outcomes(run)) == (Stage.HALTED, ["changed", "pending", "pending"])
    return run


def test_resuming_over_a_failed_canary_tries_it_again_before_the_others(
    actor: User, halted: BulkRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = halted.canary
    resume_run(halted, actor=actor)
    assert halted.stage == Stage.CANARY
    leg(halted)
    assert (halted.stage, halted.canary, outcomes(halted)) == (Stage.HALTED, canary, ["changed", "pending", "pending"])
    resume_run(halted, actor=actor)
    job_ends(monkeypatch, halted, State.SUCCEEDED)
    leg(halted)
    assert (halted.stage, halted.canary, outcomes(halted)) == (Stage.DONE, canary, ["changed"] * 3)
    assert Event.objects.filter(name="requeued", job=canary).count() == 3


def test_a_halted_run_can_go_on_without_its_canary(actor: User, halted: BulkRun) -> None:
    skip_canary(halted, actor=actor)
    leg(halted)
    assert (halted.stage, outcomes(halted)) == (Stage.DONE, ["changed"] * 3)
    assert Job.objects.filter(pk=halted.canary or "", state=State.DEAD).exists()


def test_a_run_that_halted_before_it_chose_a_canary_chooses_one(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    User.objects.filter(pk=actor.pk).update(is_active=False)
    leg(run)
    assert (run.stage, run.canary) == (Stage.HALTED, None)
    resume_run(run, actor=actor)
    assert run.stage == Stage.CANARY


def test_undoing_is_refused_where_every_job_has_begun(actor: User, halted: BulkRun) -> None:
    with pytest.raises(TransitionError, match="every requeued job has already started"):
        undo_run(halted, actor=actor)
    assert BulkRun.objects.get().stage == Stage.HALTED


def test_a_run_whose_jobs_begin_before_they_are_undone_is_not_undone(actor: User, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    leg(run)
    undo_run(run, actor=actor)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED, fencing_token=6)
    leg(run)
    assert (run.stage, run.note) == (Stage.DONE, "Nothing was undone: every job had already started.")


def test_undoing_says_how_many_were_put_back_and_how_many_had_begun(actor: User, dead_job: Callable[..., Job]) -> None:
    jobs = [dead_job(), dead_job(), dead_job()]
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    leg(run)
    Job.objects.filter(pk=jobs[0].pk).update(state=State.RUNNING, fencing_token=6)
    undo_run(run, actor=actor)
    leg(run)
    note = "2 of 3 jobs were restored to their previous state. 1 had already started."
    assert (run.stage, run.note) == (Stage.UNDONE, note)


def test_what_a_dropped_run_requeued_can_be_undone(
    actor: User, dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    real = work._change_batch

    def drop_after_a_batch(context: JobContext, run: BulkRun, *, at_most: int) -> int:
        taken = real(context, run, at_most=2)
        drop_run(BulkRun.objects.get(pk=run.pk), actor=actor)
        return taken

    monkeypatch.setattr(work, "_change_batch", drop_after_a_batch)
    leg(run)
    assert (run.stage, outcomes(run)) == (Stage.DROPPED, ["changed", "changed", "pending"])
    undo_run(run, actor=actor)
    leg(run)
    assert (run.stage, outcomes(run)) == (Stage.UNDONE, ["pending", "undone", "undone"])


def test_undoing_is_refused_while_another_run_for_the_same_jobs_is_open(
    actor: User, dead_job: Callable[..., Job]
) -> None:
    dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    leg(run)
    other = order(actor, reason="once more")
    with pytest.raises(TransitionError, match=f"bulk run {other.pk} is open for the same jobs"):
        undo_run(run, actor=actor)
    drop_run(other, actor=actor)
    undo_run(run, actor=actor)
