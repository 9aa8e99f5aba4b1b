"""What all sweeps share: one at a time, a row that says when each ran, and few pages read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from jobs import tasks
from jobs.maintenance.history import prune_jobs
from jobs.maintenance.recovery import retry_failed_jobs
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Job, Sweep
from jobs.postgres.advisory_locks import LockClass, try_lock
from jobs.states import State
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

PAST = Now() - timedelta(hours=1)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_says_when_it_ran_and_is_seeded(name: str) -> None:
    assert SWEEPS[name]() == 0
    row = Sweep.objects.get(name=name)
    assert row.last_finished_at is not None
    assert row.last_finished_at >= row.last_started_at
    assert (row.last_handled, row.last_error) == (0, "")
    assert PeriodicTask.objects.get(name=f"jobs.{name}").task == f"jobs.{name}"
    assert f"jobs.{name}" in current_app.tasks, tasks


def test_a_sweep_that_fails_says_so_and_frees_its_lock(make_job: Callable[..., Job], settings: Any) -> None:
    prune_jobs()
    finished_at = Sweep.objects.get().last_finished_at
    settings.HISTORY_DAYS = "password=sesame"
    for _ in range(2):
        with pytest.raises(TypeError):
            prune_jobs()
    row = Sweep.objects.get()
    assert finished_at is not None
    assert row.last_finished_at == finished_at < row.last_started_at
    assert row.last_error.startswith("TypeError")
    settings.HISTORY_DAYS = 1
    assert prune_jobs() == 0
    assert Sweep.objects.get().last_error == ""


def test_sweeps_of_a_large_table_read_by_index(make_job: Callable[..., Job]) -> None:
    """Of 20,000 jobs that have ended, each reads a handful."""
    make_job(state=State.SUCCEEDED, finished_at=Now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, queue, payload, state, priority, due, attempt_count, max_attempts, "
            "fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint, "
            "request_fingerprint, finished_at) SELECT gen_random_uuid(), kind, queue, payload, state, priority, due, "
            "0, 1, 0, 0, 100, '', '', '', '', finished_at FROM jobs_job, generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE jobs_job")
        for name in ("index_payloads", "encrypt_secrets"):  # once, they look through all that were there before them
            SWEEPS[name]()
        for name, sweep in SWEEPS.items():
            before = rows_read(cursor)
            assert sweep() == 0
            assert rows_read(cursor) - before < 10, name


def rows_read(cursor: Any) -> int:
    """Rows of jobs_job that this transaction has read. Counts of pages include what autovacuum reads."""
    cursor.execute("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs_job'")
    return int(cursor.fetchone()[0])


@contextmanager
def running_elsewhere(sweep: str) -> Iterator[None]:
    """Another session is in that sweep."""
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with try_lock(LockClass.SWEEP, sweep) as granted:
            assert granted
            inside.set()
            leave.wait(10)

    with Threads(1) as thread:
        held = thread.submit(hold)
        assert inside.wait(10)
        try:
            yield
        finally:
            leave.set()
        held.result()


def test_a_sweep_that_runs_elsewhere_does_nothing_here(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.FAILED, retry_at=PAST)
    with running_elsewhere("retry_failed_jobs"):
        retry_failed_jobs()
        job.refresh_from_db()
        assert job.state == State.FAILED
    retry_failed_jobs()
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_the_periods_of_a_fresh_database_are_pinned() -> None:
    """Operators edit the seeded rows, and docs/operations.md tells these periods. In seconds."""
    assert {sweep.task: sweep.every_seconds for sweep in SWEEPS.values()} == {
        "jobs.release_due_jobs": 5,
        "jobs.republish_lost_jobs": 10,
        "jobs.retry_failed_jobs": 5,
        "jobs.rescue_orphaned_jobs": 10,
        "jobs.announce_ended_jobs": 5,
        "jobs.mail_ended_jobs": 5,
        "jobs.mail_expiring_files": 300,
        "jobs.cancel_jobs_of_deactivated_owners": 30,
        "jobs.count_activity": 15,
        "jobs.index_payloads": 60,
        "jobs.encrypt_secrets": 10,
        "jobs.expire_artifacts": 300,
        "jobs.remove_orphan_files": 60,
        "jobs.prune_jobs": 300,
        "jobs.prune_bulk_runs": 300,
        "jobs.prune_callback_hosts": 300,
        "jobs.expire_resumable_uploads": 300,
        "jobs.run_due_schedules": 60,
        "jobs.settle_scheduled_runs": 30,
        "jobs.prune_scheduled_runs": 300,
        "jobs.encrypt_schedules": 300,
        "jobs.return_lost_turns": 60,
        "jobs.forget_hosts": 600,
    }
