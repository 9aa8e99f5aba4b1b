"""Tasks of an app, run by a real worker that is killed, stopped, or told to cancel what hears nothing."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django_tasks import TaskResult, TaskResultStatus

from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Job
from jobs.states import State
from tests.support.apps.chores import tasks
from tests.support.fault import Fault, kill
from tests.support.stack import Stack
from tests.support.waiting import wait_until

WORKER = "worker-tasks"


@pytest.fixture
def calls(fault: Fault) -> Callable[[int], list[int]]:
    """Wait until a function was called so often; returns the ids of the processes that called it."""

    def noted(count: int) -> list[int]:
        def lines() -> list[int]:
            text = fault.journal.read_text() if fault.journal.exists() else ""
            found = [int(line) for line in text.splitlines()]
            return found if len(found) >= count else []

        return wait_until(lines, message=f"the function is called {count} times")

    return noted


def waiting(fault: Fault) -> tuple[TaskResult[Any], Job]:
    result = tasks.wait_at.enqueue(str(fault.gate), journal=str(fault.journal))
    return result, Job.objects.get(pk=result.id)


def test_sigkill_of_the_whole_worker_in_the_middle(
    fault: Fault, stack: Stack, calls: Callable[[int], list[int]]
) -> None:
    """The lease ends, the task is retried by another worker, and ends once."""
    with stack.running(WORKER):
        result, job = waiting(fault)
        [pid] = calls(1)
        stack.kill(WORKER)
        with suppress(ProcessLookupError):  # it may have noticed that its parent is gone
            kill(pid)
    fault.open_gate()
    with stack.running(WORKER):
        fault.mend_until(job, State.SUCCEEDED)
    assert len(calls(2)) == 2
    result.refresh()
    assert (result.status, result.return_value, result.attempts) == (TaskResultStatus.SUCCESSFUL, "done", 2)
    assert [error.exception_class_path for error in result.errors] == ["jobs.errors.WorkerLostError"]
    assert fault.outcomes(job) == ["lost", "succeeded"]


def test_sigkill_of_the_process_that_runs_a_task(fault: Fault, stack: Stack, calls: Callable[[int], list[int]]) -> None:
    """Its parent ends the attempt at once; other tasks go on meanwhile."""
    with stack.running(WORKER):
        result, job = waiting(fault)
        [pid] = calls(1)
        kill(pid)
        other: TaskResult[Any] = tasks.answer_async.enqueue("why?")
        fault.mend_until(Job.objects.get(pk=other.id), State.SUCCEEDED)
        fault.open_gate()
        fault.mend_until(job, State.SUCCEEDED)
    assert len(calls(2)) == 2
    other.refresh()
    result.refresh()
    assert (other.return_value, result.return_value, result.attempts) == ({"question": "why?"}, "done", 2)


def test_a_function_that_hears_nothing_is_ended_when_its_task_is_canceled(
    fault: Fault, stack: Stack, calls: Callable[[int], list[int]]
) -> None:
    """This is why the worker has processes: a thread could not be ended, and would hold its place for good."""
    with stack.running(WORKER):
        result = tasks.never_stop.enqueue(str(fault.journal))
        job = Job.objects.get(pk=result.id)
        calls(1)
        cancel_jobs([job.pk], actor="faults")
        fault.wait_for(job, State.CANCELLED)
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert [error.exception_class_path for error in result.errors] == ["jobs.errors.CancelRequestedError"]


def test_a_worker_that_is_stopped_hands_a_long_task_back(
    fault: Fault, stack: Stack, calls: Callable[[int], list[int]]
) -> None:
    """No attempt is used up."""
    with stack.running(WORKER):
        result, job = waiting(fault)
        calls(1)
        stack.stop(WORKER)
    fault.wait_for(job, State.QUEUED)
    assert fault.outcomes(job) == ["handed_back"]
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.READY, 0)
