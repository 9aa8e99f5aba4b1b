"""What one hand-out remembers for the next: exact, and cheap while a long snapshot is held."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.dispatch.positions import NEWEST, REMEMBERED
from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, HandOut, Job, Queue
from jobs.postgres.statements import _plans
from jobs.states import State
from jobs.worker.going_on import finish_and_claim_next
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import claim_job, finish_job, retry_job
from tests.support.people import people

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "unheard"
#: Jobs that go by under the snapshot.
PASSING = 3000


@pytest.fixture(autouse=True)
def queue(unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)


def claim(job_id: UUID) -> Attempt:
    attempt = claim_job(job_id, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt
    return attempt


def finish(attempt: Attempt) -> Attempt | None:
    """End the job; returns the attempt of the one that is claimed in its place, by what is remembered."""
    context = JobContext(attempt, lease_seconds=60, asked_at=time.monotonic())
    return finish_and_claim_next(
        context, reserved=Reserved(context.job.queue), result=None, rows=0, peak_memory_bytes=0
    ).attempt


def goes_on_with(attempt: Attempt, job: Job) -> Attempt:
    """End the job of the attempt; the worker goes on with the other one."""
    following = finish(attempt)
    assert following
    assert following.job_id == job.pk
    return following


def remembered() -> HandOut:
    return HandOut.objects.get(queue=QUEUE)


def test_one_row_says_who_was_served_and_holds_places_and_where_jobs_wait(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=2)
    ada, grace = people(2)
    first, second, third = waiting(owner=ada), waiting(owner=grace), waiting(owner=ada)
    assert release_jobs(QUEUE) == [first.pk, second.pk]
    row = remembered()
    assert (row.number, row.last_owner, row.waiting_from) == (1, grace.pk, first.pk)
    assert set(row.held or ()) == {first.pk, second.pk}
    finish_job(claim(first.pk), result=None, artifacts=[], rows=0, peak_memory_bytes=0)
    assert release_jobs(QUEUE, since=REMEMBERED) == [third.pk]
    row = remembered()
    assert (row.number, row.last_owner, row.waiting_from) == (2, ada.pk, third.pk)
    assert set(row.held or ()) == {second.pk, third.pk}


def test_nothing_is_remembered_of_places_without_a_limit(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=None)
    first = waiting()
    assert release_jobs(QUEUE) == [first.pk]
    assert remembered().held is None
    Queue.objects.filter(name=QUEUE).update(max_running=1)
    job = waiting()
    assert release_jobs(QUEUE, since=job.pk) == [], "the first job holds the place"
    goes_on_with(claim(first.pk), job)


def test_an_older_job_that_waits_again_has_its_turn(waiting: Callable[..., Job]) -> None:
    """Though no place was free when it came back: the look for it remembers that."""
    failed = waiting(state=State.FAILED, retry_at=Now())
    running, younger = waiting(), waiting()
    assert release_jobs(QUEUE) == [running.pk]
    attempt = claim(running.pk)
    assert remembered().waiting_from == running.pk
    retry_job(failed)
    assert release_jobs(QUEUE) == []
    assert remembered().waiting_from == failed.pk
    goes_on_with(goes_on_with(attempt, failed), younger)


def test_a_job_that_is_committed_late_has_its_turn(waiting: Callable[..., Job]) -> None:
    """Its id is lower than that of a job which was handed out meanwhile, for example because of a slow clock."""
    late = waiting(state=State.CANCELLED)
    running, younger = waiting(), waiting()
    assert release_jobs(QUEUE) == [running.pk]
    attempt = claim(running.pk)
    Job.objects.filter(pk=late.pk).update(state=State.QUEUED)
    assert release_jobs(QUEUE, since=late.pk) == []
    assert remembered().waiting_from == late.pk
    goes_on_with(goes_on_with(attempt, late), younger)


@contextmanager
def a_long_snapshot() -> Iterator[None]:
    options = connection.get_connection_params()
    of_server = {name: options[name] for name in ("dbname", "user", "password", "host", "port") if name in options}
    with psycopg.connect(**of_server) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT FROM jobs_queue")
        yield


def let_pass(waiting: Callable[..., Job], *, count: int) -> None:
    """So many jobs, from submitted to succeeded within a minute. Each statement leaves a version of all rows behind."""
    first = waiting()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO jobs_job (id, kind, queue, owner, payload, state, priority, due, attempt_count, max_attempts,
            fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,
            request_fingerprint) SELECT uuidv7(), kind, queue, owner, '{}', 'queued', 0, true, 0, 5, 0, 0, 0,
            '', '', '', '' FROM jobs_job, generate_series(1, %s) WHERE id = %s""",
            [count, first.pk],
        )
        for change in (
            "released_at = now() - interval '1 minute'",
            "state = 'running', lease_expires_at = now(), fencing_token = 1",
            "state = 'succeeded', lease_expires_at = NULL, released_at = NULL, finished_at = now()",
        ):
            cursor.execute(f"UPDATE jobs_job SET {change} WHERE queue = %s", [QUEUE])  # noqa: S608
        cursor.execute("ANALYZE jobs_job")
    _plans.renew()


def pages_of_one_job(waiting: Callable[..., Job]) -> int:
    """Pages that are touched from its release until it has ended and the next one was looked for."""
    job = waiting()
    with connection.cursor() as cursor:
        before = touched(cursor)
        assert release_jobs(QUEUE, since=job.pk) == [job.pk]
        assert finish(claim(job.pk)) is None
        return touched(cursor) - before


def touched(cursor: object) -> int:
    cursor.execute("SELECT pg_stat_force_next_flush()")  # type: ignore[attr-defined]
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read) FROM pg_statio_user_tables"
        " WHERE relname IN ('jobs_job', 'jobs_queue', 'jobs_handout', 'jobs_attempt')"
    )
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]


def test_a_long_snapshot_does_not_slow_the_queue(waiting: Callable[..., Job]) -> None:
    """A report holds one. Without what is remembered, each look would read what is left of all jobs that went by."""
    pages_of_one_job(waiting)
    alone = pages_of_one_job(waiting)
    with a_long_snapshot():
        let_pass(waiting, count=PASSING)
        release_jobs(QUEUE)
        pages_of_one_job(waiting)
        beside = pages_of_one_job(waiting)
    assert beside < 2 * alone


@pytest.mark.parametrize(("has_others", "is_read"), [(True, False), (False, True)])
def test_a_long_snapshot_does_not_make_a_look_read_all_hand_outs(has_others: bool, is_read: bool) -> None:
    """Without the rows of no queue, PostgreSQL would read all rows that the snapshot keeps."""
    insert = "INSERT INTO jobs_handout (queue, number, last_owner, waiting_from) SELECT %s, n, 0, %s"
    with connection.cursor() as cursor, a_long_snapshot():
        if has_others:
            cursor.execute(import_module("jobs.migrations.0042_hand_outs_by_index").INSERT)
        for queue in (QUEUE, "another"):
            cursor.execute(f"{insert} FROM generate_series(1, 50000) AS n", [queue, UUID(int=0)])
        cursor.execute("DELETE FROM jobs_handout WHERE queue <> '' AND number < 50000")
        cursor.execute("ANALYZE jobs_handout")
        cursor.execute(f"EXPLAIN {NEWEST}", {"queue": QUEUE})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert ("Index Scan Backward using jobs_handout_pkey" not in plan) is is_read
