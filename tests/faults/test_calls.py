"""A worker for calls that is killed between two steps, and within one: nothing is called twice for nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from calls.models import Step
from calls.steps import key_of
from jobs.dispatch.submission import submit_job
from jobs.models import Attempt, Job
from jobs.states import State
from tests.support.fault import Fault
from tests.support.remotes import Remote, running_remote
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture
def remote() -> Iterator[Remote]:
    with running_remote() as remote:
        yield remote


def order(fault: Fault, remote: Remote, *, hold_after: int) -> Job:
    """Order ten steps; the type is known to the workers only."""
    parameters: dict[str, Any] = {"remote": remote.url, "hold_after": hold_after, "gate": str(fault.gate)}
    payload = {"callType": "ten-steps", "parameters": parameters, "language": "en"}
    return submit_job(kind="call", owner=fault.owner, payload=payload)


def mend_until_all(fault: Fault, jobs: list[Job], state: State) -> list[Job]:
    """Run the sweeps until all jobs are in this state."""
    return [fault.mend_until(job, state, timeout=60) for job in jobs]


def test_sigkill_after_each_of_ten_steps(fault: Fault, stack: Stack, remote: Remote) -> None:
    """Ten calls, the first of which is killed after its first step, and so on: the remote sees each step once."""
    with stack.running("worker-calls"):
        jobs = [order(fault, remote, hold_after=number) for number in range(1, 11)]
        wait_until(lambda: Step.objects.filter(outcome="done").count() == 55, timeout=90, message="each call holds")
        stack.kill("worker-calls")
    fault.open_gate()
    assert remote.counts()["requests"] == 55
    with stack.running("worker-calls"):
        done = mend_until_all(fault, jobs, State.SUCCEEDED)
        fault.mend()
    keys = {key_of(job.pk, f"order {number}"): 1 for job in jobs for number in range(1, 11)}
    counts = remote.counts()
    assert (counts["keys"], counts["effects"]) == (keys, keys)
    for job in done:
        assert fault.outcomes(job) == ["lost", "succeeded"]
        orders = [key_of(job.pk, f"order {number}") for number in range(1, 11)]
        assert job.result is not None
        assert len(set(job.result["value"])) == len(orders)
        assert (job.progress_done, job.progress_total) == (10, 10)
    assert not Attempt.objects.filter(job__in=jobs, error_class="jobs.errors.PermanentError").exists()


def test_sigkill_while_an_answer_is_on_its_way(fault: Fault, stack: Stack, remote: Remote) -> None:
    """The remote did it and the answer was lost: it is asked once more, with the same key, and does it once."""
    remote.behave({"do": "hang", "afterEffect": True, "path": "/orders"})
    fault.open_gate()
    with stack.running("worker-calls"):
        job = order(fault, remote, hold_after=1)
        wait_until(lambda: remote.counts()["effects"], timeout=90, message="the remote has done the first step")
        stack.kill("worker-calls")
    with stack.running("worker-calls"):
        done = fault.mend_until(job, State.SUCCEEDED, timeout=60)
        fault.mend()
    first = key_of(job.pk, "order 1")
    counts = remote.counts()
    assert counts["keys"].pop(first) == 2
    assert set(counts["keys"].values()) == {1}
    assert set(counts["effects"].values()) == {1}
    assert len(counts["effects"]) == 10
    assert fault.outcomes(done) == ["lost", "succeeded"]


def test_sigterm_in_the_middle_of_a_call_hands_it_back(fault: Fault, stack: Stack, remote: Remote) -> None:
    """A worker that stops burns no attempt, and the next one goes on after the last step."""
    with stack.running("worker-calls"):
        job = order(fault, remote, hold_after=5)
        wait_until(lambda: Step.objects.filter(outcome="done").count() == 5, timeout=90, message="the call holds")
        stack.stop("worker-calls")
    held = Job.objects.get(pk=job.pk)
    assert (held.state, held.attempt_count, held.progress_done) == (State.QUEUED, 0, 5)
    fault.open_gate()
    with stack.running("worker-calls"):
        fault.mend_until(job, State.SUCCEEDED, timeout=60)
        fault.mend()
    assert set(remote.counts()["keys"].values()) == {1}
