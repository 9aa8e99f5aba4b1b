"""Two Beats, a Beat that was away, and a sweep whose worker is killed in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.models import Job, Queue, Sweep
from jobs.states import State
from tests.support.fault import Fault
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("every_second")

PAST = Now() - timedelta(minutes=1)


def waits_for_its_retry(fault: Fault) -> Job:
    """A job that failed while nobody swept."""
    Queue.objects.filter(name="reports").update(paused=True)
    job = fault.submit("work")
    Job.objects.filter(pk=job.pk).update(state=State.FAILED, retry_at=PAST)
    Queue.objects.filter(name="reports").update(paused=False)
    return job


@contextmanager
def row_locked(job: Job, database_url: str) -> Iterator[None]:
    """Whoever writes this job's row waits for the end of the block."""
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [job.pk])
        yield
        other.rollback()


def test_two_beats_have_one_effect_each(fault: Fault, stack: Stack) -> None:
    jobs = [waits_for_its_retry(fault) for _ in range(20)]
    with stack.running("beat"), stack.running("beat", as_name="second-beat"):
        for job in jobs:
            fault.wait_for(job, State.SUCCEEDED)
        second = Sweep.objects.get(name="retry_failed_jobs").last_finished_at
        wait_until(lambda: Sweep.objects.filter(name="retry_failed_jobs", last_finished_at__gt=second).exists())
    for job in jobs:
        assert fault.story(job) == ["submitted", "retried", "released", "started", "completed"]
    assert sorted(fault.works_done()) == sorted(str(job.pk) for job in jobs)


def test_a_beat_that_was_away_catches_up(fault: Fault, stack: Stack) -> None:
    """What happened meanwhile: a job lost its worker, one is due for its retry, one was never released."""
    retry = waits_for_its_retry(fault)
    lost = fault.submit("wait")
    fault.writing(lost)
    stack.kill("worker-csv")
    Job.objects.filter(pk=lost.pk).update(lease_expires_at=PAST)
    Queue.objects.filter(name="reports").update(paused=True)
    waiting = fault.submit("work")
    Queue.objects.filter(name="reports").update(paused=False)
    fault.open_gate()
    stack.ensure_workers()
    with stack.running("beat"):
        for job in (retry, lost, waiting):
            fault.wait_for(job, State.SUCCEEDED, timeout=40)
    assert fault.outcomes(lost) == ["lost", "succeeded"]
    assert fault.outcomes(retry) == fault.outcomes(waiting) == ["succeeded"]


def test_a_sweep_whose_worker_is_killed_in_the_middle_is_done_by_the_next(
    fault: Fault, stack: Stack, database_url: str
) -> None:
    first, second = waits_for_its_retry(fault), waits_for_its_retry(fault)
    Job.objects.filter(pk=first.pk).update(retry_at=Now() - timedelta(minutes=2))
    with row_locked(second, database_url), stack.running("beat"):
        wait_until(a_session_waits_for_a_lock, message="a sweep is in the middle")
        stack.kill("worker-io")
        wait_until(lambda: not holders_of_sweep_locks(), message="PostgreSQL notices that the worker is gone")
    stack.ensure_workers()
    with stack.running("beat"):
        for job in (first, second):
            fault.wait_for(job, State.SUCCEEDED)
    for job in (first, second):
        assert fault.story(job).count("retried") == 1
        assert fault.outcomes(job) == ["succeeded"]


def holders_of_sweep_locks() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return [pid for (pid,) in cursor.fetchall()]
