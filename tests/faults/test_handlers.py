"""Jobs that misbehave: their place is freed, their row says why, and nobody else is affected."""

from functools import partial

import psutil
import pytest

from jobs.dispatch.submission import submit_job
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import State
from tests.support.fault import Fault, kill
from tests.support.sessions import sessions
from tests.support.waiting import wait_until


def assert_others_are_served(fault: Fault) -> None:
    """The queue has one place, and it is free."""
    Queue.objects.filter(name="reports").update(max_running=1)
    fault.mend_until(fault.submit("work"), State.SUCCEEDED)


def test_a_job_that_sleeps_for_ever_is_dead_after_three_losses(fault: Fault) -> None:
    """It heeds nothing; an exception is raised in its process."""
    job = fault.submit("sleep")
    fault.writing(job)
    fault.wait_for(fault.submit("work"), State.SUCCEEDED)
    dead = fault.mend_until(job, State.DEAD, timeout=40)
    assert (dead.error_class, dead.error_message) == (
        "jobs.errors.StalledError",
        "The job made no progress for 1 seconds.",
    )
    assert fault.outcomes(job) == ["lost"] * 3
    assert job.events.get(name="dead_lettered").details == {"reason": "worker-lost"}
    assert_others_are_served(fault)


def test_a_job_that_eats_memory_until_it_is_killed_is_dead_after_three_losses(fault: Fault) -> None:
    """As the kernel's OOM killer would: SIGKILL, once its process is too large."""
    job = fault.submit("eat", forever=True)

    def large() -> list[int]:
        pids = fault.stack.pool_pids("worker-csv")
        return [pid for pid in pids if psutil.pid_exists(pid) and resident(pid) > 400_000_000]

    def lost(times: int) -> bool:
        return fault.outcomes(job) == ["lost"] * times

    for losses in (1, 2, 3):
        fault.mend_until(job, State.RUNNING)
        [pid] = wait_until(large, message="it has eaten 400 MB")
        kill(pid)
        # The outcome stays. The job's state does not: sweeps that ran here could have it running again unseen.
        wait_until(partial(lost, losses), message="the attempt is lost")
    dead = fault.wait_for(job, State.DEAD)
    assert dead.error_class == "jobs.errors.WorkerLostError"
    assert_others_are_served(fault)


def resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def test_a_query_that_never_returns_is_ended_by_its_dial(fault: Fault) -> None:
    Queue.objects.filter(name="reports").update(statement_timeout_seconds=1)
    job = fault.order_slow_rows(rows=1, seconds=3600)
    failed = fault.wait_for(job, State.FAILED)
    assert (failed.result or {})["error"]["code"] == "time-limit"
    assert sessions(f"application_name = 'longhaul {job.pk}'") == []
    cancel_jobs([job.pk], actor="faults")
    assert_others_are_served(fault)


def test_a_report_that_is_cancelled_in_mid_copy_ends_on_the_server_too(fault: Fault) -> None:
    Queue.objects.filter(name="reports").update(max_running=1)
    job = fault.order_slow_rows(rows=100_000, seconds=0.001)
    fault.writing(job)
    wait_until(lambda: Job.objects.get(pk=job.pk).progress_done > 0, message="rows have come")
    other = fault.submit("work")
    cancel_jobs([job.pk], actor="faults", reason="enough")
    fault.wait_for(job, State.CANCELLED, timeout=2)
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}'") == [], timeout=1)
    assert not any(str(job.pk) in name for name in fault.files())
    fault.wait_for(other, State.SUCCEEDED)
    assert fault.outcomes(job) == ["cancelled"]
    assert [name for name in fault.story(job) if name != "progress"] == [
        "submitted", "released", "started", "cancel_requested", "cancelled"
    ]  # fmt: skip


def test_a_report_that_is_cancelled_while_its_query_computes(fault: Fault) -> None:
    """No row has come yet: the COPY waits for the server, and is interrupted."""
    job = fault.order_slow_rows(rows=1, seconds=3600)
    fault.wait_for(job, State.RUNNING)
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}' AND query LIKE 'COPY%'"))
    cancel_jobs([job.pk], actor="faults")
    fault.wait_for(job, State.CANCELLED, timeout=2)
    wait_until(lambda: sessions(f"application_name = 'longhaul {job.pk}'") == [], timeout=1)


def test_a_cancelled_job_that_heeds_nothing_is_interrupted(fault: Fault) -> None:
    job = fault.submit("ignore")
    fault.writing(job)
    cancel_jobs([job.pk], actor="faults")
    fault.wait_for(job, State.CANCELLED)
    wait_until(lambda: fault.files() == set())
    wait_until(lambda: not fault.pids_that_write(f"{job.pk}."), message="the slot is freed")


def test_a_cancelled_job_that_swallows_its_interruption_is_killed(fault: Fault) -> None:
    """Its process goes, its lease expires, and the rescue finds that it was to be cancelled."""
    job = fault.submit("swallow")
    fault.writing(job)
    cancel_jobs([job.pk], actor="faults")
    wait_until(lambda: "attempt_killed" in fault.stack.log("worker-csv"), message="the heartbeat kills the process")
    fault.mend_until(job, State.CANCELLED)
    assert fault.outcomes(job) == ["lost"]
    assert_others_are_served(fault)


def test_a_handler_that_cannot_be_imported_is_retried_to_the_limit(fault: Fault) -> None:
    job = fault.submit("import")
    Job.objects.filter(pk=job.pk).update(max_attempts=2)
    dead = fault.mend_until(job, State.DEAD)
    assert (dead.error_class, dead.error_message) == ("RuntimeError", "this module is broken")
    attempts = list(Attempt.objects.filter(job=job))
    assert [attempt.outcome for attempt in attempts] == ["failed", "failed"]
    assert "broken.py" in attempts[0].traceback
    assert attempts[0].error_fingerprint == attempts[1].error_fingerprint == dead.error_fingerprint
    assert_others_are_served(fault)


def test_a_kind_that_no_worker_knows_is_dead_at_once(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import kinds

    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, "gone": kinds.Kind("gone", "reports", lambda context: None)})
    job = submit_job(kind="gone", owner=fault.owner, payload={})
    dead = fault.wait_for(job, State.DEAD)
    assert dead.error_class == "jobs.errors.UnknownKindError"
    assert (dead.result or {})["error"]["code"] == "unknown-kind"
    assert_others_are_served(fault)
