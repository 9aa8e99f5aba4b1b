"""What Beat runs: each sweep mends one thing, bounded, and one at a time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from jobs.maintenance.recovery import release_due_jobs, republish_lost_jobs, rescue_orphaned_jobs, retry_failed_jobs
from jobs.models import Attempt, Job, Queue, Sweep
from jobs.retry import Retry
from jobs.states import Outcome, State
from jobs.worker.transitions import claim_job, fail_job
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.messages import message_ids
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

PAST = Now() - timedelta(hours=1)


def orphan(job: Job) -> Attempt:
    """Claim it, and let the worker vanish."""
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    Job.objects.filter(pk=job.pk).update(lease_expires_at=PAST)
    return attempt


def test_a_job_whose_worker_vanished_is_retried(make_job: Callable[..., Job]) -> None:
    job = make_job()
    attempt = orphan(job)
    rescue_orphaned_jobs()
    rescue_orphaned_jobs()
    job.refresh_from_db()
    attempt.refresh_from_db()
    assert (job.state, attempt.outcome) == (State.FAILED, Outcome.LOST)
    assert job.error_class == attempt.error_class == "jobs.errors.WorkerLostError"
    assert job.retry_at is not None


def test_a_job_that_loses_three_workers_in_a_row_is_dead(make_job: Callable[..., Job]) -> None:
    job = make_job(max_attempts=99)
    for expected in (State.FAILED, State.FAILED, State.DEAD):
        orphan(job)
        rescue_orphaned_jobs()
        job.refresh_from_db()
        assert job.state == expected


def test_only_losses_in_a_row_count(make_job: Callable[..., Job]) -> None:
    job = make_job(max_attempts=99)
    for _ in range(2):
        orphan(job)
        rescue_orphaned_jobs()
    Job.objects.update(state=State.QUEUED, released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    fail_job(attempt, error=ValueError(), decision=Retry(timedelta()), rows=0, peak_memory_bytes=0)
    for expected in (State.FAILED, State.FAILED, State.DEAD):
        orphan(job)
        rescue_orphaned_jobs()
        job.refresh_from_db()
        assert job.state == expected


def test_a_running_job_with_a_lease_is_left_alone(make_job: Callable[..., Job]) -> None:
    job = make_job()
    claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    rescue_orphaned_jobs()
    assert Job.objects.get().state == State.RUNNING


def test_failed_jobs_are_queued_again_when_their_time_has_come(make_job: Callable[..., Job]) -> None:
    due = make_job(state=State.FAILED, retry_at=PAST)
    early = make_job(state=State.FAILED, retry_at=Now() + timedelta(hours=1))
    retry_failed_jobs()
    assert dict(Job.objects.values_list("pk", "state")) == {due.pk: State.QUEUED, early.pk: State.FAILED}


def test_a_message_that_redis_lost_is_sent_again(make_job: Callable[..., Job], unheard: str) -> None:
    lost, _ = make_job(queue=unheard, released_at=PAST, updated_at=PAST), make_job(queue=unheard)
    lost.refresh_from_db()
    released_at = lost.released_at
    republish_lost_jobs()
    republish_lost_jobs()
    assert message_ids(unheard) == [str(lost.pk)]
    lost.refresh_from_db()
    assert lost.released_at == released_at, "for how long it waits for a worker"


def test_waiting_jobs_are_released(make_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name="callbacks").update(paused=False)
    job = make_job(queue="callbacks", kind="gone", released_at=None, state=State.QUEUED)
    release_due_jobs()
    job.refresh_from_db()
    assert job.released_at is not None


def test_an_orphan_that_cannot_be_rescued_keeps_no_other_from_it(make_job: Callable[..., Job]) -> None:
    """Its attempt is missing, which only a hand in the tables can do. The sweep's row tells of it."""
    make_job(state=State.RUNNING, fencing_token=1, lease_expires_at=Now() - timedelta(hours=2))
    job = make_job()
    orphan(job)
    with pytest.raises(Attempt.DoesNotExist):
        rescue_orphaned_jobs()
    job.refresh_from_db()
    assert job.state == State.FAILED
    row = Sweep.objects.get()
    assert ("DoesNotExist" in row.last_error, row.handled) == (True, 1)


@pytest.mark.parametrize(
    ("sweep", "values"),
    [
        (retry_failed_jobs, {"state": State.FAILED, "retry_at": PAST}),
        (rescue_orphaned_jobs, {"state": State.RUNNING, "lease_expires_at": PAST, "fencing_token": 1}),
    ],
)
def test_a_job_that_another_writer_changes_meanwhile_is_left_to_it(
    sweep: Callable[[], None], values: dict[str, Any], make_job: Callable[..., Job]
) -> None:
    """The sweep reads the row as it was, and its own UPDATE waits for the other's commit."""
    job, other = make_job(**values), make_job(**values)
    Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w")
    Attempt.objects.create(job=other, number=1, fencing_token=1, worker="w")

    with Threads(1) as thread:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(state=State.CANCELLED)
            swept = thread.submit(sweep)
            wait_until(a_session_waits_for_a_lock, message="the sweep waits for the row")
        swept.result()
    job.refresh_from_db()
    other.refresh_from_db()
    assert job.state == State.CANCELLED
    assert Attempt.objects.get(job=job).outcome == ""
    assert other.state != values["state"]
