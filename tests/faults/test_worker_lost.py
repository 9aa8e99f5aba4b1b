"""A worker's process is killed in the middle of a report; nothing is lost, and nothing is there twice."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db.models.functions import Now

from examples.sales.seeding import seed_sales
from jobs.maintenance.recovery import rescue_orphaned_jobs, retry_failed_jobs
from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from reports.ordering import place_order
from tests.support.stack import Stack
from tests.support.waiting import wait_until

PAST = Now() - timedelta(seconds=1)


@contextmanager
def reading_blocked(database_url: str) -> Iterator[None]:
    """Whoever reads the order lines waits for the end of the block."""
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE sales_order_line IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def state() -> str:
    return Job.objects.get().state


def files_of(job: Job) -> list[str]:
    folder = job.pk.hex[-2:]
    storage = storages["artifacts"]
    return (
        [name for name in storage.listdir(folder)[1] if name.startswith(str(job.pk))] if storage.exists(folder) else []
    )


def test_a_killed_worker_costs_one_attempt_and_no_job(stack: Stack, database_url: str) -> None:
    list(seed_sales(lines=500, using="default"))
    owner = User.objects.create_user("ada")
    with reading_blocked(database_url):
        job = place_order(owner=owner, data={"reportType": "order-lines"}).job
        wait_until(lambda: state() == State.RUNNING, message="a worker has the job")
        wait_until(lambda: Attempt.objects.exists())
        for pid in stack.pool_pids("worker-csv"):
            os.kill(pid, signal.SIGKILL)
    Job.objects.update(lease_expires_at=PAST)  # as if a minute had passed
    rescue_orphaned_jobs()
    assert state() == State.FAILED
    Job.objects.update(retry_at=PAST)
    retry_failed_jobs()
    wait_until(lambda: state() == State.SUCCEEDED, message="the second attempt succeeds")
    assert list(Attempt.objects.values_list("number", "outcome", "rows")) == [(1, "lost", None), (2, "succeeded", 500)]
    artifact = Artifact.objects.get()
    assert files_of(job) == [artifact.storage_name.split("/")[1]]
    wait_until(lambda: len(stack.pool_pids("worker-csv")) == 2, message="the pool is whole for the next test")
