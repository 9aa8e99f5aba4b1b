"""Cancelling: at once what waits, within two seconds what runs."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, RetryableError, WorkerLostError
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Attempt, AuditEntry, Job
from jobs.retry import Retry
from jobs.states import Outcome, State
from jobs.worker.execution import execute_job
from jobs.worker.transitions import claim_job, fail_job, finish_job, hand_back_job, lose_attempt
from tests.support.small_file import write
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


def claimed(job: Job) -> Attempt:
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    return attempt


def names(job: Job) -> list[str]:
    return [event.name for event in job.events.all()]


@pytest.mark.parametrize("state", [State.QUEUED, State.FAILED, State.DEAD])
def test_what_waits_is_cancelled_at_once(state: State, make_job: Callable[..., Job]) -> None:
    job = make_job(state=state, retry_at=Now())
    assert cancel_jobs([job.pk], actor="ada").changed == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.retry_at, job.finished_at is None) == (State.CANCELLED, None, False)
    execute_job(job.pk, worker="w")
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
def test_what_has_ended_is_refused(state: State, make_job: Callable[..., Job]) -> None:
    job = make_job(state=state)
    assert cancel_jobs([job.pk], actor="ada").refused == {job.pk: f"it is {state}"}


def test_a_running_job_hears_of_it_within_two_seconds_and_leaves_no_file(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    heard: list[float] = []

    def handler(context: JobContext) -> None:
        write(context)
        cancel_jobs([context.job.pk], actor="ada", reason="enough")
        again = cancel_jobs([context.job.pk], actor="bob", reason="enough")
        assert again.refused == {context.job.pk: "it has already been asked to stop"}
        assert AuditEntry.objects.get(action="cancel").actor == "ada"
        asked_at = time.monotonic()

        def goes_on() -> None:
            context.check()

        try:
            wait_until(goes_on, timeout=10)
        finally:
            heard.append(time.monotonic() - asked_at)

    kind_of(handler)
    job = make_job()
    execute_job(job.pk, worker="w")
    job.refresh_from_db()
    assert (job.state, Attempt.objects.get().outcome) == (State.CANCELLED, Outcome.CANCELLED)
    assert heard[0] < 2
    assert stored() == set()
    assert names(job) == ["started", "cancel_requested", "cancelled"]


def test_a_blocking_call_is_interrupted(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    interrupted: list[bool] = []

    def handler(context: JobContext) -> None:
        with context.interruptible(lambda: interrupted.append(True)):
            cancel_jobs([context.job.pk], actor="ada")
            wait_until(lambda: interrupted, timeout=10)
        raise RuntimeError("what the interrupted call raises")

    kind_of(handler)
    job = make_job()
    execute_job(job.pk, worker="w")
    job.refresh_from_db()
    assert (job.state, job.error_class) == (State.CANCELLED, "")


def test_an_interrupt_that_fails_does_not_keep_the_attempt(make_job: Callable[..., Job]) -> None:
    context = JobContext(claimed(make_job()), lease_seconds=60)

    def fail() -> None:
        raise OSError

    with context.interruptible(fail):
        context.stop(CancelRequestedError("x"))
        with pytest.raises(CancelRequestedError):
            context.check()
    with pytest.raises(CancelRequestedError), context.interruptible(fail):
        raise AssertionError("a stopped attempt begins nothing")


def end_by_failure(attempt: Attempt) -> None:
    fail_job(attempt, error=RetryableError("x"), decision=Retry(timedelta()))


def end_by_loss(attempt: Attempt) -> None:
    lose_attempt(attempt, error=WorkerLostError("x"), decision=Retry(timedelta()), expired_only=False)


@pytest.mark.parametrize("end", [end_by_failure, end_by_loss, hand_back_job])
def test_whatever_ends_the_attempt_the_job_is_not_tried_again(
    end: Callable[[Attempt], None], make_job: Callable[..., Job]
) -> None:
    job = make_job()
    attempt = claimed(job)
    cancel_jobs([job.pk], actor="ada")
    end(attempt)
    job.refresh_from_db()
    assert (job.state, job.retry_at, job.finished_at is None) == (State.CANCELLED, None, False)
    assert names(job)[-1] == "cancelled"


def test_a_job_that_is_done_before_it_hears_of_it_has_succeeded(make_job: Callable[..., Job]) -> None:
    job = make_job()
    attempt = claimed(job)
    cancel_jobs([job.pk], actor="ada")
    finish_job(attempt, result=None, artifacts=[], rows=0, peak_memory_bytes=1)
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED
