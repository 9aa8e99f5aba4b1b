"""Bulk runs, a leg at a time, over the real database. `tests/faults/test_bulk.py` has them in real workers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from jobs.bulk import kind, work
from jobs.bulk.kind import run_bulk
from jobs.bulk.models import BulkItem, BulkRun, Stage
from jobs.bulk.steering import (
    AlreadyOpenError,
    drop_run,
    leave_canary,
    order_run,
    pause_run,
    resume_run,
    start_run,
    undo_run,
)
from jobs.context import JobContext
from jobs.errors import CancelRequestedError, TransitionError
from jobs.inspection import InvalidPayloadError
from jobs.models import AuditEntry, Event, Job, Queue
from jobs.selection import UnknownCriterionError
from jobs.states import State
from jobs.transitions import claim_job
from tests.threads import Threads

pytestmark = pytest.mark.django_db
ACT = BulkRun.Act.REQUEUE


@pytest.fixture
def actor(db: None) -> User:
    return User.objects.create_superuser("grace")


@pytest.fixture
def dead_job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Callable[..., Job]:
    kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(paused=True)
    dead: dict[str, Any] = {"state": State.DEAD, "released_at": None, "attempt_count": 5, "error_class": "E"}
    result = {"error": {"code": "internal-error", "detail": "…", "retryable": True}}
    return lambda **values: make_job(**dead | {"finished_at": Now(), "fencing_token": 5, "result": result} | values)


def order(actor: User, **options: Any) -> BulkRun:
    criteria = options.pop("criteria", {"state": "dead"})
    return order_run(
        **{"act": ACT, "criteria": criteria, "reason": "fixed", "jobs_per_second": 1000, "actor": actor} | options
    )


def leg(run: BulkRun) -> None:
    """Do, in this process, what a worker would."""
    job = Job.objects.get(kind="bulk", state=State.QUEUED)
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
    run_bulk(JobContext(attempt, lease_seconds=60))
    run.refresh_from_db()


def outcomes(run: BulkRun) -> list[str]:
    return sorted(run.items.values_list("outcome", flat=True))


def test_a_dry_run_changes_nothing_and_tells_each_verdict(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    dead_job(kind="gone")
    dead_job(state=State.SUCCEEDED)
    run = order(actor)
    leg(run)
    assert run.stage == Stage.CHECKED
    assert outcomes(run) == ["pending", "refused"]
    refused = run.items.get(outcome="refused")
    assert (refused.level, refused.why) == (2, "No installed app registers the kind gone.")
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
    assert list(whys) == ["it has run again since", "It is queued: only dead and failed jobs can be requeued."]
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


def test_the_same_order_is_open_once(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    with pytest.raises(AlreadyOpenError) as raised:
        order(actor, reason="pressed again")
    assert raised.value.run == run
    order(actor, criteria={"state": "failed"})
    drop_run(run, actor=actor)
    assert order(actor) != run


def test_a_second_press_changes_nothing(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    with pytest.raises(TransitionError):
        start_run(run, actor=actor, with_canary=False)
    assert Job.objects.filter(kind="bulk", state=State.QUEUED).count() == 1


@pytest.mark.parametrize("press", [pause_run, resume_run, undo_run])
def test_what_does_not_fit_the_stage_is_refused(actor: User, press: Callable[..., None]) -> None:
    run = order(actor)
    with pytest.raises(TransitionError, match="it is checking"):
        press(run, actor=actor)
    assert BulkRun.objects.get().stage == Stage.CHECKING


def test_only_requeueing_can_be_undone(actor: User) -> None:
    run = order(actor, act=BulkRun.Act.DISCARD)
    with pytest.raises(TransitionError, match="only requeueing"):
        undo_run(run, actor=actor)


def test_a_person_who_may_not_do_it_any_more_ends_the_run(actor: User, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    User.objects.filter(pk=actor.pk).update(is_superuser=False)
    actor.user_permissions.add(Permission.objects.get(codename="run_bulkrun"))  # but not requeue_job
    leg(run)
    assert (run.stage, run.note) == (Stage.HALTED, "Whoever ordered this may not do it any more.")
    assert Job.objects.get(pk=job.pk).state == State.DEAD


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
        Job.objects.filter(pk=job.pk).update(released_at=Now())
        attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
        assert attempt is not None
        stage = run_bulk(JobContext(attempt, lease_seconds=60))["stage"]
        assert stage == (Stage.DONE if job == last else "taken over")
        assert outcomes(run) == (["changed"] if job == last else ["pending"])


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


def test_a_run_heeds_its_worker(actor: User, dead_job: Callable[..., Job]) -> None:
    dead_job()
    run = order(actor)
    attempt_of = Job.objects.get(kind="bulk")
    Job.objects.filter(pk=attempt_of.pk).update(released_at=Now())
    attempt = claim_job(attempt_of.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    context = JobContext(attempt, lease_seconds=60)
    context.stop(CancelRequestedError())
    with pytest.raises(CancelRequestedError):
        run_bulk(context)
    assert run.items.count() == 0


@pytest.mark.parametrize(
    ("options", "error"), [({"reason": " "}, ValueError), ({"criteria": {"colour": "red"}}, UnknownCriterionError)]
)
def test_an_order_that_says_too_little_is_refused(actor: User, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        order(actor, **options)
    assert not BulkRun.objects.exists()


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
    contexts = []
    for job in legs:
        Job.objects.filter(pk=job.pk).update(released_at=Now())
        attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
        assert attempt is not None
        contexts.append(JobContext(attempt, lease_seconds=60))
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


def test_a_run_that_was_dropped_stays_so(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    drop_run(run, actor=actor)
    User.objects.filter(pk=actor.pk).update(is_superuser=False)
    leg(run)
    assert run.stage == Stage.DROPPED


def test_a_paused_run_still_waits_for_its_canary(actor: User, dead_job: Callable[..., Job]) -> None:
    jobs = [dead_job(), dead_job()]
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    BulkRun.objects.filter(pk=run.pk).update(canary=jobs[0].pk)
    run.refresh_from_db()
    pause_run(run, actor=actor)
    resume_run(run, actor=actor)
    assert run.stage == Stage.CANARY
    pause_run(run, actor=actor)
    leave_canary(run, actor=actor)
    assert run.stage == Stage.RUNNING
    pause_run(run, actor=actor)
    Job.objects.filter(pk=jobs[0].pk).update(state=State.SUCCEEDED)
    resume_run(run, actor=actor)
    assert BulkRun.objects.get().stage == Stage.RUNNING


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
