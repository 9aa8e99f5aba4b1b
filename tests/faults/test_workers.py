"""Workers that are killed, stopped and told to stop."""

import signal
from pathlib import Path

import psutil
import pytest

from jobs.dispatch.release import publish_jobs
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Attempt, Job
from jobs.states import State
from tests.support.fault import Fault, kill
from tests.support.sessions import sessions
from tests.support.stack import Stack
from tests.support.waiting import wait_until


def redeliver(fault: Fault, job: Job) -> None:
    """Send the message once more, and wait until it was looked at."""
    looked_at = fault.stack.log("worker-csv").count("job_not_claimable")
    publish_jobs("reports", [job.pk])
    wait_until(lambda: fault.stack.log("worker-csv").count("job_not_claimable") > looked_at)


def test_sigkill_of_the_pool_process_in_mid_copy(fault: Fault) -> None:
    job = fault.order_slow_rows(rows=100, seconds=0.02)
    fault.writing(job)
    kill(fault.pool_process_of(job))
    done = fault.mend_until(job, State.SUCCEEDED)
    redeliver(fault, job)
    assert fault.outcomes(job) == ["lost", "succeeded"]
    assert done.result == {"rowCount": 100}
    assert fault.story(job) == [
        "submitted", "released", "started", "rescued", "retried", "released", "started", *milestones(job), "completed"
    ]  # fmt: skip
    lost = Attempt.objects.get(job=job, number=1)
    assert (lost.error_class, lost.finished_at is None) == ("jobs.errors.WorkerLostError", False)


def milestones(job: Job) -> list[str]:
    return ["progress"] * job.events.filter(name="progress").count()


def test_a_pool_process_that_ends_is_replaced_soon(fault: Fault, stack: Stack) -> None:
    """Without `config.celery.PoolUpkeep`, a quarter of them are replaced after four to five seconds."""
    for _ in range(8):
        before = set(stack.pool_pids("worker-csv"))
        kill(min(before))

        def replaced(before: set[int] = before) -> bool:
            return len(set(stack.pool_pids("worker-csv")) - before) == 1

        wait_until(replaced, timeout=3, message="the worker forks another")


def test_the_query_of_a_killed_worker_ends_on_the_server(fault: Fault) -> None:
    """It computes, and would not notice for an hour that nobody is there to read the answer."""
    job = fault.order_slow_rows(rows=1, seconds=3600)
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}' AND query LIKE 'COPY%'"))
    fault.stack.kill("worker-csv")
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}'") == [], timeout=5)
    cancel_jobs([job.pk], actor="faults")
    fault.mend_until(job, State.CANCELLED)
    assert fault.outcomes(job) == ["lost"]


def test_sigkill_of_the_whole_worker_in_mid_copy(fault: Fault) -> None:
    job = fault.order_slow_rows(rows=100, seconds=0.02)
    fault.writing(job)
    fault.stack.kill("worker-csv")
    fault.mend_until(job, State.FAILED, State.QUEUED)
    assert fault.outcomes(job) == ["lost"]
    fault.stack.ensure_workers()
    fault.mend_until(job, State.SUCCEEDED)
    redeliver(fault, job)
    assert fault.outcomes(job) == ["lost", "succeeded"]


@pytest.mark.parametrize(("name", "claimed_again"), [("wait", False), ("ignore", True)])
def test_a_worker_that_was_stopped_for_longer_than_its_lease_changes_nothing(
    name: str, claimed_again: bool, fault: Fault
) -> None:
    """SIGSTOP, then SIGCONT before and after another claimed the job; the handler heeds `check()`, or does not."""
    job = fault.submit(name)
    fault.writing(job)
    zombie = fault.pool_process_of(job)
    kill(zombie, signal.SIGSTOP)
    try:
        fault.mend_until(job, State.FAILED, State.QUEUED)
        if claimed_again:
            fault.mend_until(job, State.RUNNING)
            assert fault.writing(job).number == 2
    finally:
        if claimed_again:
            fault.open_gate()
        kill(zombie, signal.SIGCONT)
    zombies_file = f"{job.pk.hex[-2:]}/{job.pk}.1.result"
    wait_until(lambda: zombies_file not in fault.files(), message="the zombie deletes what it wrote")
    fault.open_gate()
    done = fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["lost", "succeeded"]
    assert done.result == {"attempt": 2}


def test_sigterm_lets_a_short_job_finish(fault: Fault) -> None:
    job = fault.submit("wait")
    fault.writing(job)
    worker = psutil.Process(fault.stack.pid("worker-csv"))
    worker.terminate()
    fault.open_gate()
    worker.wait(20)
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED
    assert fault.outcomes(job) == ["succeeded"]


@pytest.mark.parametrize("signals", [1, 2])
def test_sigterm_hands_a_long_job_back_and_burns_no_attempt(signals: int, fault: Fault) -> None:
    job = fault.submit("wait")
    attempt = fault.writing(job)
    worker = psutil.Process(fault.stack.pid("worker-csv"))
    for _ in range(signals):
        worker.terminate()
        wait_until(lambda: "Warm shutdown" in fault.stack.log("worker-csv"))
    worker.wait(20)
    job.refresh_from_db()
    assert (job.state, job.attempt_count, job.lease_expires_at) == (State.QUEUED, 0, None)
    assert fault.outcomes(job) == ["handed_back"]
    assert fault.files() == set()
    fault.stack.ensure_workers()
    fault.writing(job)
    fault.open_gate()
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["handed_back", "succeeded"]
    assert Attempt.objects.get(pk=attempt.pk).rows == 2000
    job.refresh_from_db()
    assert job.attempt_count == 1


@pytest.mark.parametrize("signals", [1, 2])
def test_sigquit_hands_a_job_back_that_heeds_nothing(signals: int, fault: Fault) -> None:
    """Once: its heartbeat interrupts it. Twice: Celery ends the pool at once, by an exception in each process."""
    job = fault.submit("ignore")
    fault.writing(job)
    worker = psutil.Process(fault.stack.pid("worker-csv"))
    for _ in range(signals):
        worker.send_signal(signal.SIGQUIT)
        wait_until(lambda: "Initiating Soft Shutdown" in fault.stack.log("worker-csv"))
    fault.wait_for(job, State.QUEUED)
    assert fault.outcomes(job) == ["handed_back"]
    fault.stack.kill("worker-csv")
    fault.open_gate()
    fault.stack.ensure_workers()
    fault.mend_until(job, State.SUCCEEDED)


def test_a_deployment_under_load_loses_nothing(fault: Fault, stack: Stack) -> None:
    jobs = [fault.submit("work") for _ in range(40)]
    wait_until(lambda: Job.objects.filter(state=State.SUCCEEDED).count() >= 5)
    stack.stop("worker-csv")
    stack.ensure_workers()

    def all_done() -> bool:
        fault.mend()
        return Job.objects.filter(state=State.SUCCEEDED).count() == len(jobs)

    wait_until(all_done, every=0.2)
    assert sorted(fault.works_done()) == sorted(str(job.pk) for job in jobs)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"succeeded"}


def test_a_pool_process_is_replaced_after_so_many_tasks_and_so_much_memory(fault: Fault, stack: Stack) -> None:
    stack.stop("worker-csv")
    limits = {"WORKER_MAX_TASKS_PER_CHILD": "3", "WORKER_MAX_MEMORY_MB_PER_CHILD": "250", "WORKER_CONCURRENCY": "1"}
    with stack.running("worker-csv", **limits):
        seen = list(wait_until(lambda: stack.pool_pids("worker-csv"), message="the pool starts"))

        def replaced() -> list[int]:
            return [pid for pid in stack.pool_pids("worker-csv") if pid not in seen]

        for _ in range(3):
            job = fault.submit("work")
            fault.wait_for(job, State.SUCCEEDED)
        seen += wait_until(replaced, message="replaced after three tasks")
        fault.wait_for(fault.submit("eat"), State.SUCCEEDED)
        wait_until(replaced, message="replaced after a task that took 300 MB")
        fault.wait_for(fault.submit("work"), State.SUCCEEDED)
    assert all(not Path(f"/proc/{pid}").exists() for pid in seen)
