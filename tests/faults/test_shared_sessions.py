"""A worker whose many threads share few sessions of PostgreSQL, over a real Celery."""

from collections.abc import Collection

from django.db import connection

from jobs.dispatch.submission import submit_job
from jobs.models import Job
from jobs.states import State
from tests.support.fault import Fault
from tests.support.sessions import sessions
from tests.support.stack import Stack
from tests.support.waiting import wait_until

JOBS = 30
#: As the test gives them to this worker: its sessions can be told from those of the others.
NAME = "of-the-calls"
MINE = f"application_name = '{NAME}'"


def test_jobs_in_flight_outlive_the_end_of_all_sessions(fault: Fault, stack: Stack) -> None:
    """As when PostgreSQL restarts: the threads wait for something else, and finish over new sessions."""
    paths = {"gate": str(fault.gate), "journal": str(fault.journal)}
    url = f"{stack.environment['DATABASE_URL']}&application_name={NAME}"
    with stack.running("worker-calls", options=["--concurrency", "40"], DATABASE_URL=url, DATABASE_POOL_SIZE="3"):
        jobs = [submit_job(kind="fault-wait", queue="calls", owner=fault.owner, payload=paths) for _ in range(JOBS)]
        wait_until(lambda: running() == JOBS, timeout=120, message="all of them run at the same time")
        wait_until(lambda: Job.objects.filter(progress_done=2000).count() == JOBS, message="and report progress")
        held = set(sessions(MINE))
        assert 1 < len(held) <= 4, "three of the pool, and one of the heartbeat"
        end_sessions(held)
        wait_until(lambda: sessions(MINE) and held.isdisjoint(sessions(MINE)), message="the heartbeat is back")
        fault.open_gate()
        for job in jobs:
            assert fault.wait_for(job, State.SUCCEEDED, timeout=60).attempt_count == 1
        assert len(sessions(MINE)) <= 4


def running() -> int:
    return Job.objects.filter(queue="calls", state=State.RUNNING).count()


def end_sessions(pids: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(pids)])
