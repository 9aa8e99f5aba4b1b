"""A process of a worker's pool that ends: its parent sees it at once, and the attempt says what happened.

Beat does not run in these tests, and no sweep looks at leases: what they see was written by the parent.
"""

import re
import signal
from typing import Any

import pytest
from celery import current_app
from django.db.models.functions import Now
from django_celery_results.models import TaskResult

from jobs.dispatch.release import EXECUTE_JOB, release_jobs
from jobs.interventions.cancellation import cancel_jobs
from jobs.maintenance.recovery import retry_failed_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import State
from tests.support.fault import Fault, kill
from tests.support.waiting import wait_until

OWNERS_WORDS = "The server process that worked on this job ended unexpectedly."


def last_attempt(job: Job) -> Attempt:
    return Attempt.objects.filter(job=job).latest("number")


def error_of(job: Job) -> dict[str, Any]:
    error: dict[str, Any] = (job.result or {})["error"]
    return error


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_the_signal_and_the_last_memory_belong_to_the_attempt(number: signal.Signals, fault: Fault) -> None:
    job = fault.submit("wait")
    fault.writing(job)
    wait_until(lambda: last_attempt(job).peak_memory_bytes, message="the heartbeat writes the memory")
    kill(fault.pool_process_of(job), number)
    failed = fault.wait_for(job, State.FAILED)
    attempt = last_attempt(job)
    assert (attempt.outcome, attempt.error_class) == ("lost", "jobs.errors.WorkerLostError")
    first, rest = attempt.error_message.split("\n")
    assert first == f"The worker process was killed by signal {number.value} ({number.name})."
    assert re.fullmatch(r"It last used [1-9]\d+ MB of memory\..*", rest)
    assert error_of(failed) == {"code": "worker-lost", "detail": OWNERS_WORDS, "retryable": True}
    assert failed.retry_at is not None
    assert fault.story(job) == ["submitted", "released", "started", "rescued"]


def test_the_exit_code_belongs_to_the_attempt_also_of_a_job_without_a_message_of_its_own(fault: Fault) -> None:
    """The worker goes on with the second job without a message, and takes its process with it."""
    Queue.objects.filter(name="reports").update(max_running=1, paused=True)
    small, fatal = fault.submit("note"), fault.submit("crash", exit_code=3)
    Queue.objects.filter(name="reports").update(paused=False)
    release_jobs("reports")
    fault.wait_for(fatal, State.FAILED)
    assert fault.outcomes(small) == ["succeeded"]
    attempt = last_attempt(fatal)
    assert attempt.celery_task_id == last_attempt(small).celery_task_id
    assert attempt.error_message.startswith("The worker process ended with exit code 3.")


def test_the_hard_time_limit_belongs_to_the_attempt(fault: Fault) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    job = fault.submit("swallow")
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    current_app.send_task(EXECUTE_JOB, args=[str(job.pk)], queue="reports", soft_time_limit=1, time_limit=2)
    failed = fault.wait_for(job, State.FAILED)
    attempt = last_attempt(job)
    assert attempt.outcome == "lost"
    assert attempt.error_message.startswith("The job reached the hard time limit of 2 seconds")
    assert error_of(failed)["code"] == "time-limit"
    wait_until(lambda: not fault.pids_that_write(f"{job.pk}."), message="the process is ended")


def test_a_job_that_kills_three_processes_is_dead_before_any_lease_ends(fault: Fault) -> None:
    job = fault.submit("crash", signal=signal.SIGKILL)
    for attempts in (1, 2):
        fault.wait_for(job, State.FAILED)
        assert fault.outcomes(job) == ["lost"] * attempts
        Job.objects.filter(pk=job.pk).update(retry_at=Now())
        retry_failed_jobs()
    fault.wait_for(job, State.DEAD)
    assert fault.outcomes(job) == ["lost"] * 3
    assert job.events.get(name="dead_lettered").details == {"reason": "worker-lost"}


def test_a_process_that_longhaul_ends_by_force_says_so(fault: Fault) -> None:
    job = fault.submit("swallow")
    fault.writing(job)
    cancel_jobs([job.pk], actor="faults")
    fault.wait_for(job, State.CANCELLED)
    attempt = last_attempt(job)
    assert attempt.outcome == "lost"
    assert attempt.error_message.startswith("Longhaul ended the worker process because the job did not stop when told")
    result = TaskResult.objects.filter(task_id=attempt.celery_task_id)
    wait_until(lambda: result.filter(status="FAILURE").exists(), message="Celery's result tells it, too")
