"""A PostgreSQL that restarts, ends sessions, or cannot be reached by a worker."""

import signal
from collections import Counter

import pytest
from django.db.models.functions import Now

from jobs.models import Attempt, Job, Queue
from jobs.states import Outcome, State
from tests.support.fault import Fault, kill
from tests.support.outages import end_all_sessions, postgres_killed, restart_postgres
from tests.support.sessions import sessions
from tests.support.waiting import wait_until

RUNNING, WAITING = 20, 200


@pytest.mark.parametrize("hurt", [restart_postgres, end_all_sessions])
def test_a_report_whose_server_goes_away_is_retried(hurt: object, fault: Fault) -> None:
    job = fault.order_slow_rows(rows=100, seconds=0.02)
    fault.writing(job)
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}'"))
    assert callable(hurt)
    hurt()
    failed = fault.wait_for(job, State.FAILED)
    assert fault.outcomes(job) == ["failed"]
    assert (failed.result or {})["error"]["code"] == "database-error"
    assert fault.files() == set()
    done = fault.mend_until(job, State.SUCCEEDED)
    assert done.result == {"rowCount": 100}
    assert fault.outcomes(job) == ["failed", "succeeded"]


def test_sessions_that_end_between_jobs_cost_nothing(fault: Fault) -> None:
    """The workers keep theirs from job to job, and look at them before each."""
    for _ in range(4):
        jobs = [fault.submit("work") for _ in range(4)]
        for job in jobs:
            fault.wait_for(job, State.SUCCEEDED)
            assert fault.story(job) == ["submitted", "released", "started", "completed"]
            assert fault.outcomes(job) == ["succeeded"]
        end_all_sessions()


def test_a_worker_that_cannot_reach_the_database_for_a_lease_ends_its_work(fault: Fault) -> None:
    """Its sessions are stopped, so that they answer nothing, while all others go on."""
    job = fault.submit("wait")
    fault.writing(job)
    wait_until(lambda: Job.objects.get().progress_done == 2000, message="the heartbeat has its session")
    workers_sessions = sessions("state = 'idle'")
    try:
        for pid in workers_sessions:
            kill(pid, signal.SIGSTOP)
        wait_until(lambda: fault.files() == set(), message="the worker has deleted what it wrote")
        assert "LeaseLostError" in fault.stack.log("worker-csv")

        def is_rescued() -> bool:
            fault.mend()
            return fault.outcomes(job)[0] == "lost"

        # The worker counts from when it asked for the lease, so it gives up a little before PostgreSQL does.
        wait_until(is_rescued, message="the job is rescued")
    finally:
        for pid in workers_sessions:
            kill(pid, signal.SIGCONT)
    fault.open_gate()
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["lost", "succeeded"]


def test_postgresql_is_killed_while_many_jobs_run_and_wait(fault: Fault, durable: None) -> None:
    """SIGKILL of its main process. Each job ends well, once: what was accepted is kept."""
    stack = fault.stack
    stack.stop("worker-csv")
    Queue.objects.filter(name="reports").update(max_running=RUNNING)
    threads = ("--pool", "threads", "--concurrency", str(RUNNING))
    with stack.running("worker-csv", as_name="crowd", options=threads), stack.running("beat"):
        running = [fault.submit("wait") for _ in range(RUNNING)]
        wait_until(lambda: Job.objects.filter(state=State.RUNNING).count() == RUNNING, message="all of them run")
        waiting = [fault.submit("note") for _ in range(WAITING)]
        with postgres_killed():
            pass
        fault.open_gate()

        def all_have_ended() -> bool:
            Job.objects.filter(state=State.FAILED).update(retry_at=Now())
            return not Job.objects.exclude(state=State.SUCCEEDED).exists()

        wait_until(all_have_ended, timeout=180, every=0.5, message="all jobs succeed")
    ids = {job.pk for job in (*running, *waiting)}
    assert set(Job.objects.values_list("pk", flat=True)) == ids
    succeeded = Attempt.objects.filter(outcome=Outcome.SUCCEEDED)
    assert Counter(succeeded.values_list("job_id", flat=True)) == dict.fromkeys(ids, 1)
