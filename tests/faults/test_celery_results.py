"""What Celery's own result says of a job's task: what became of the attempt."""

import json
from socket import gethostname

from django_celery_results.models import TaskResult

from jobs.dispatch.release import publish_jobs, release_jobs
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import State
from tests.support.fault import Fault
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SECRET = "s3cret-of-the-payload"


def test_a_worker_with_a_name_of_250_characters_works(fault: Fault, stack: Stack) -> None:
    stack.stop("worker-csv")
    host = gethostname()
    name = "w" * (249 - len(host))
    with stack.running("worker-csv", as_name=name):
        job = fault.submit("work")
        fault.wait_for(job, State.SUCCEEDED, timeout=40)
        attempt = Attempt.objects.get(job=job)
        assert attempt.worker == f"{name}@{host}"
        assert len(attempt.worker) == 250
        stored = TaskResult.objects.values("status", "worker").get(pk=result_of(job).pk)
    assert (stored["status"], stored["worker"]) == ("SUCCESS", attempt.worker[:100])


def result_of(job: Job) -> TaskResult:
    task_id = Attempt.objects.filter(job=job).latest("number").celery_task_id
    found = wait_until(lambda: TaskResult.objects.filter(task_id=task_id).first(), message="Celery stores the result")
    assert found is not None
    return found


def test_a_failed_attempt_is_a_failed_task_that_says_why_and_is_not_run_again(fault: Fault) -> None:
    before = len(fault.stack.log("worker-csv"))
    job = fault.submit("betray", token=SECRET)
    fault.wait_for(job, State.FAILED)
    result = result_of(job)
    assert result.status == "FAILURE"
    told = json.loads(result.result)
    assert told["exc_type"] == "AttemptFailedError"
    assert told["exc_message"] == [f"Attempt 1 of job {job.pk} failed: the partner refused ***"]
    assert SECRET not in f"{result.result}{result.traceback}{result.meta}"
    fault.stack.drain()
    written = fault.stack.log("worker-csv")[before:]
    assert "attempt_ended" in written
    assert "Traceback" not in written
    assert fault.outcomes(job) == ["failed"]


def test_each_other_end_is_named_in_the_result(fault: Fault) -> None:
    done = fault.submit("work")
    fault.wait_for(done, State.SUCCEEDED)
    result = result_of(done)
    assert (result.status, json.loads(result.result)) == (
        "SUCCESS",
        {"jobId": str(done.pk), "attempt": 1, "outcome": "succeeded"},
    )
    cancelled = fault.submit("wait")
    fault.writing(cancelled)
    cancel_jobs([cancelled.pk], actor="faults")
    fault.wait_for(cancelled, State.CANCELLED)
    result = result_of(cancelled)
    assert (result.status, json.loads(result.result)["outcome"]) == ("SUCCESS", "cancelled")


def test_a_task_that_goes_on_tells_of_its_last_attempt_and_one_that_finds_nothing_says_so(fault: Fault) -> None:
    Queue.objects.filter(name="reports").update(max_running=1, paused=True)
    small, refused = fault.submit("note"), fault.submit("refuse")
    Queue.objects.filter(name="reports").update(paused=False)
    release_jobs("reports")
    fault.wait_for(refused, State.DEAD)
    result = result_of(small)
    assert (result.status, result.task_id) == ("FAILURE", result_of(refused).task_id)
    assert str(refused.pk) in result.result
    publish_jobs("reports", [small.pk])
    looked = TaskResult.objects.filter(status="SUCCESS", result__contains="nothing to claim")
    wait_until(looked.exists, message="the second message has its result, too")
