"""Guarded transitions: exactly one row changes, or nothing does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.forms import model_to_dict
from django.utils import timezone

from jobs.errors import LeaseLostError, PermanentError, RetryableError, TransitionError, WorkerLostError
from jobs.models import Artifact, Attempt, Job
from jobs.retry import Bury, Retry
from jobs.states import Outcome, State
from jobs.worker.transitions import claim_job, fail_job, finish_job, lose_attempt, retry_job
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db


def claim(job_id: UUID) -> Attempt | None:
    return claim_job(job_id, worker="w", celery_task_id="t", lease_seconds=60)


def claimed(job: Job) -> Attempt:
    attempt = claim(job.pk)
    assert attempt is not None
    return attempt


def finish(attempt: Attempt, **changes: Any) -> None:
    finish_job(attempt, **{"result": {}, "artifacts": [], "rows": 0, "peak_memory_bytes": 1, **changes})


def lose(attempt: Attempt, decision: Retry | Bury) -> None:
    error = WorkerLostError("The worker vanished: its lease expired.")
    lose_attempt(attempt, error=error, decision=decision, expired_only=True)


def artifact_of(job: Job) -> Artifact:
    return Artifact(
        job=job, role="result", storage_name="x", filename="x", content_type="text/csv", encoding="utf-8",
        row_count=1, size_bytes=7, sha256="0" * 64, published_at=Now(),
    )  # fmt: skip


def test_a_claim_begins_an_attempt_with_a_lease_in_database_time(make_job: Callable[..., Job]) -> None:
    job = make_job()
    attempt = claimed(job)
    job.refresh_from_db()
    assert (job.state, job.attempt_count, job.fencing_token) == (State.RUNNING, 1, 1)
    assert (attempt.number, attempt.fencing_token, attempt.worker, attempt.celery_task_id) == (1, 1, "w", "t")
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_expires_at - started_at FROM jobs_job WHERE id = %s", [job.pk])
        assert cursor.fetchone() == (timedelta(seconds=60),)


def test_a_claim_brings_the_owner_in_one_query(
    make_job: Callable[..., Job], owner: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    job = make_job()
    with django_assert_num_queries(1):
        found = claimed(job).job.owner
    assert isinstance(found, User)
    assert model_to_dict(found) == model_to_dict(User.objects.get(pk=owner.pk))
    assert not found._state.adding


def test_a_job_without_an_owner_is_claimed_without_one(make_job: Callable[..., Job]) -> None:
    assert claimed(make_job(owner=None)).job.owner is None


@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_only_a_queued_job_can_be_claimed(state: State, make_job: Callable[..., Job]) -> None:
    assert claim(make_job(state=state).pk) is None
    assert not Attempt.objects.exists()


def test_a_job_that_was_not_released_cannot_be_claimed(make_job: Callable[..., Job]) -> None:
    assert claim(make_job(released_at=None).pk) is None


def test_an_unknown_job_cannot_be_claimed() -> None:
    assert claim(UUID(int=1)) is None


@pytest.mark.django_db(transaction=True)
def test_of_twenty_workers_one_claims(make_job: Callable[..., Job]) -> None:
    job = make_job()

    with Threads(20) as threads:
        won = [found for found in threads.map(claim, [job.pk] * 20) if found is not None]
    assert len(won) == 1
    assert Attempt.objects.count() == 1


def test_finishing_publishes_in_the_same_step(make_job: Callable[..., Job]) -> None:
    job = make_job()
    attempt = claimed(job)
    finish(attempt, result={"rowCount": 1}, artifacts=[artifact_of(job)], rows=1, peak_memory_bytes=99)
    job.refresh_from_db()
    attempt.refresh_from_db()
    assert (job.state, job.result, job.progress_percent) == (State.SUCCEEDED, {"rowCount": 1}, 100)
    assert job.lease_expires_at is None
    assert job.finished_at is not None
    assert (attempt.outcome, attempt.rows, attempt.bytes, attempt.peak_memory_bytes) == (Outcome.SUCCEEDED, 1, 7, 99)
    assert Artifact.objects.get().job == job


def test_a_zombie_finishes_nothing_and_publishes_nothing(make_job: Callable[..., Job]) -> None:
    job = make_job()
    zombie = claimed(job)
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    heir = claimed(job)
    with pytest.raises(LeaseLostError):
        finish(zombie, artifacts=[artifact_of(job)])
    with pytest.raises(LeaseLostError):
        fail_job(zombie, error=ValueError(), decision=Bury("x"), rows=0, peak_memory_bytes=0)
    job.refresh_from_db()
    assert (job.state, job.fencing_token) == (State.RUNNING, heir.fencing_token) == (State.RUNNING, 2)
    assert not Artifact.objects.exists()
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {""}
    finish(heir)


def test_finishing_twice_is_refused(make_job: Callable[..., Job]) -> None:
    attempt = claimed(make_job())
    finish(attempt)
    with pytest.raises(LeaseLostError):
        finish(attempt)


def test_a_failure_to_be_retried_waits_for_its_time(make_job: Callable[..., Job]) -> None:
    attempt = claimed(make_job())
    before = timezone.now()
    try:
        raise RetryableError("the moon is in the wrong place")
    except RetryableError as error:
        fail_job(attempt, error=error, decision=Retry(timedelta(seconds=30)), rows=5, peak_memory_bytes=1)
    job = Job.objects.get()
    attempt.refresh_from_db()
    assert job.state == State.FAILED
    assert job.retry_at is not None
    assert abs(job.retry_at - before - timedelta(seconds=30)) < timedelta(seconds=10)
    assert (job.error_class, job.error_message) == ("jobs.errors.RetryableError", "the moon is in the wrong place")
    assert (attempt.outcome, attempt.rows) == (Outcome.FAILED, 5)
    assert "in test_a_failure_to_be_retried_waits_for_its_time" in attempt.traceback


def test_a_failure_for_good_tells_the_owner_no_internals(make_job: Callable[..., Job]) -> None:
    fail_job(claimed(make_job()), error=ValueError("secret"), decision=Bury("x"), rows=0, peak_memory_bytes=1)
    job = Job.objects.get()
    assert (job.state, job.error_class, job.error_message) == (State.DEAD, "ValueError", "secret")
    assert "secret" not in str(job.result)
    assert (job.result or {})["error"]["code"] == "internal-error"


def test_a_permanent_error_speaks_to_the_owner(make_job: Callable[..., Job]) -> None:
    error = PermanentError("Row 7 is odd.", code="odd-row")
    fail_job(claimed(make_job()), error=error, decision=Bury("permanent"), rows=0, peak_memory_bytes=1)
    expected = {"error": {"code": "odd-row", "detail": "Row 7 is odd.", "retryable": False}}
    assert Job.objects.get().result == expected


def test_an_attempt_is_lost_only_when_its_lease_has_expired(make_job: Callable[..., Job]) -> None:
    attempt = claimed(make_job())
    with pytest.raises(LeaseLostError):
        lose(attempt, Retry(timedelta(seconds=1)))
    Job.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    lose(attempt, Retry(timedelta(seconds=1)))
    attempt.refresh_from_db()
    assert (Job.objects.get().state, attempt.outcome) == (State.FAILED, Outcome.LOST)


def test_of_a_lost_worker_the_owner_is_told_whatever_failed_before(make_job: Callable[..., Job]) -> None:
    job = make_job(result={"error": {"code": "odd-row", "detail": "Row 7 is odd.", "retryable": False}})
    attempt = claimed(job)
    Job.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    lose(attempt, Bury("worker-lost"))
    expected = {
        "code": "worker-lost",
        "detail": "The server process that worked on this job ended unexpectedly.",
        "retryable": True,
    }
    job.refresh_from_db()
    assert (job.state, job.result) == (State.DEAD, {"error": expected})


def test_only_a_failed_job_is_retried(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.FAILED, retry_at=Now())
    retry_job(job)
    job.refresh_from_db()
    assert (job.state, job.retry_at, job.released_at) == (State.QUEUED, None, None)
    with pytest.raises(TransitionError):
        retry_job(job)


def test_a_finished_attempt_keeps_how_many_rows_it_had_expected(make_job: Callable[..., Job]) -> None:
    attempt = claimed(make_job())
    Job.objects.update(progress_total=70)
    finish(attempt, rows=100)
    kept = Attempt.objects.get()
    assert (kept.rows, kept.rows_expected, Job.objects.get().progress_total) == (100, 70, 100)
