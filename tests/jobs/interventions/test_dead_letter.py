"""Requeue and discard: by a person, for a reason, once."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import WorkerLostError
from jobs.interventions import batches as interventions
from jobs.interventions import dead_letter
from jobs.interventions.dead_letter import discard_jobs, requeue_jobs
from jobs.models import Attempt, AuditEntry, Event, Job, Queue
from jobs.retry import Bury, Retry
from jobs.states import Outcome, State
from jobs.worker.policy import decide_for
from jobs.worker.transitions import claim_job
from tests.support.messages import message_ids
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db(transaction=True)

UNTOUCHABLE = [State.RUNNING, State.QUEUED, State.SUCCEEDED, State.CANCELLED]


@pytest.fixture(autouse=True)
def queue(unheard: str) -> str:
    return unheard


@pytest.fixture
def dead_job(dead_job: Callable[..., Job], queue: str) -> Callable[..., Job]:
    """In a queue that no worker consumes, and which is not paused."""
    return lambda **values: dead_job(**{"queue": queue, **values})


def timeline(job: Job) -> list[tuple[str, str, str]]:
    return [(event.name, event.actor, event.details.get("reason", "")) for event in job.events.all()]


def test_a_requeued_job_has_all_attempts_anew_and_goes_through_the_gate(
    dead_job: Callable[..., Job], queue: str
) -> None:
    told = {"result": {"error": {}}, "progress_percent": 70, "progress_details": {"phase": "planned"}}
    jobs = [dead_job(**told) for _ in range(5)]
    outcome = requeue_jobs([job.pk for job in jobs], actor="grace", reason="the API is back")
    assert (outcome.changed, outcome.refused) == ([job.pk for job in jobs], {})
    found = Job.objects.order_by("pk")
    assert {(job.state, job.attempt_count, job.progress_percent) for job in found} == {(State.QUEUED, 0, 0)}
    assert {(job.result, job.finished_at, str(job.progress_details)) for job in found} == {(None, None, "None")}
    assert message_ids(queue) == [str(job.pk) for job in jobs[:3]]  # as many as may run
    assert timeline(jobs[4]) == [("requeued", "grace", "the API is back")]


def test_a_job_that_waits_for_its_retry_need_not_wait(dead_job: Callable[..., Job], queue: str) -> None:
    job = dead_job(state=State.FAILED, retry_at=Now() + timedelta(hours=1), finished_at=None)
    requeue_jobs([job.pk], actor="grace", reason="now")
    job.refresh_from_db()
    assert (job.state, job.retry_at) == (State.QUEUED, None)


@pytest.mark.parametrize("state", UNTOUCHABLE)
@pytest.mark.parametrize("act", [requeue_jobs, discard_jobs])
def test_a_job_in_another_state_is_refused(
    act: Callable[..., interventions.Intervention], state: State, dead_job: Callable[..., Job]
) -> None:
    job, dead, unknown = dead_job(state=state), dead_job(), UUID(int=7)
    outcome = act([job.pk, unknown, dead.pk], actor="grace", reason="r")
    assert outcome.changed == [dead.pk]
    assert outcome.refused == {job.pk: f"it is {state}", unknown: "there is no such job"}
    job.refresh_from_db()
    assert job.state == state
    assert {"requeued", "cancelled"}.isdisjoint(name for name, _, _ in timeline(job))


@pytest.mark.parametrize("act", [requeue_jobs, discard_jobs])
def test_a_reason_must_be_given(act: Callable[..., interventions.Intervention], dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    with pytest.raises(ValueError, match="enter a reason"):
        act([job.pk], actor="grace", reason="  ")
    job.refresh_from_db()
    assert job.state == State.DEAD


def test_a_button_pressed_twenty_times_at_once_requeues_once(dead_job: Callable[..., Job], queue: str) -> None:
    jobs = [dead_job() for _ in range(3)]
    ids = [job.pk for job in jobs]

    def press(number: int) -> int:
        return len(requeue_jobs(ids if number % 2 else ids[::-1], actor="grace", reason="r").changed)

    with Threads(20) as threads:
        assert sum(threads.map(press, range(20))) == 3
    assert Event.objects.filter(name="requeued").count() == 3
    assert sorted(message_ids(queue)) == sorted(map(str, ids))


def test_many_jobs_are_changed_a_batch_at_a_time(dead_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interventions, "BATCH_SIZE", 2)
    jobs = [dead_job() for _ in range(5)]
    broken = jobs[3].pk

    def ids() -> list[UUID]:
        return [job.pk for job in jobs]

    def fail_in_the_second_batch(job_ids: list[UUID], *args: object, **details: object) -> None:
        if broken in job_ids:
            raise RuntimeError("power cut")

    monkeypatch.setattr(dead_letter, "record_events", fail_in_the_second_batch)
    with pytest.raises(RuntimeError):
        discard_jobs(ids(), actor="grace", reason="r")
    monkeypatch.undo()
    states = [Job.objects.get(pk=pk).state for pk in ids()]
    assert states == [State.CANCELLED] * 2 + [State.DEAD] * 3


def test_the_audit_trail_keeps_what_a_job_was_before_and_is_after(dead_job: Callable[..., Job]) -> None:
    job = dead_job(error_class="E", error_fingerprint="f", attempt_count=5)
    requeue_jobs([job.pk], actor="grace", reason="the API is back")
    assert requeue_jobs([job.pk], actor="ada", reason="me too").changed == []
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target_type, entry.target_id, entry.reason) == (
        "grace", "requeue", "job", str(job.pk), "the API is back",
    )  # fmt: skip
    shared = {"error_class": "E", "error_fingerprint": "f"}
    assert entry.before == {"state": "dead", "attempt_count": "5", **shared}
    assert entry.after == {"state": "queued", "attempt_count": "0", **shared}


def test_a_discarded_job_is_cancelled(dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    assert discard_jobs([job.pk], actor="grace", reason="obsolete").changed == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.finished_at is not None) == (State.CANCELLED, True)
    assert timeline(job) == [("cancelled", "grace", "obsolete")]


def test_losses_before_a_requeue_do_not_count(dead_job: Callable[..., Job]) -> None:
    job = dead_job(attempt_count=3, fencing_token=3)
    for number in (1, 2, 3):
        Attempt.objects.create(job=job, number=number, fencing_token=number, worker="w", outcome=Outcome.LOST)
    Queue.objects.update(paused=True)
    requeue_jobs([job.pk], actor="grace", reason="r")
    decisions = []
    for _ in range(3):
        Job.objects.update(released_at=Now(), state=State.QUEUED)
        attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
        assert attempt is not None
        decisions.append(decide_for(attempt.job, error=WorkerLostError("gone")))
        Attempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.LOST)
    assert [type(decision) for decision in decisions] == [Retry, Retry, Bury]


def test_the_timeline_cannot_be_rewritten(dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    discard_jobs([job.pk], actor="grace", reason="r")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        Event.objects.update(actor="nobody")
    assert timeline(job) == [("cancelled", "grace", "r")]
