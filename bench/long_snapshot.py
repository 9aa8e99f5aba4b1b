"""A long snapshot: what release, claim and finish of a job take after many others, while a snapshot is held."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import psycopg
from django.contrib.auth.models import User
from django.db import connection

from bench.backlog import QUEUE, ROUNDS, empty, fill, unheard_queue
from bench.measuring import Measured, WrongWorkError
from bench.nothing.kinds import NOTHING
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.context import JobContext
from jobs.dispatch.release import release_jobs
from jobs.models import HandOut, Job
from jobs.worker.going_on import finish_and_claim_next
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import claim_job

#: Of the jobs of the large backlog, this part goes by: 50,000 of a million.
PART: Final = 20

#: What each transition of a small job changes. Each statement leaves a version of every row behind, as the same number
#: of jobs one after another would.
TRANSITIONS: Final = (
    "released_at = now(), updated_at = now()",
    "state = 'running', lease_expires_at = now(), fencing_token = 1, attempt_count = 1, started_at = now()",
    "state = 'succeeded', lease_expires_at = NULL, released_at = NULL, finished_at = now(), progress_percent = 100",
)
#: One row after the other, as by so many hand-outs.
HAND_OUTS: Final = """
    INSERT INTO jobs_handout (queue, number, last_owner, held, waiting_from)
    SELECT queue, number + i, last_owner, held, waiting_from FROM jobs_handout, generate_series(1, %s) AS i
    WHERE queue = %s
"""
REPLACED: Final = """
    DELETE FROM jobs_handout WHERE queue = %s AND number < (SELECT max(number) FROM jobs_handout WHERE queue = %s)
"""


def run(setting: Setting) -> list[Row]:
    """With no snapshot, with one, and with none again, each after the same number of jobs."""
    jobs = max(1, setting.backlog // PART)
    rounds = min(ROUNDS, setting.jobs)
    owner = User.objects.create(username="long-snapshot")
    medians: dict[bool, list[float]] = {False: [], True: []}
    with unheard_queue():
        for is_held in (False, True, False):
            with snapshot(held=is_held):
                let_pass(owner, jobs=jobs, tidy=not is_held)
                for turn in range(setting.repeat + 1):
                    median = statistics.median(milliseconds(owner, rounds))
                    say(f"  snapshot held: {is_held}: {median:.2f} ms" + ("" if turn else " (warm-up)"))
                    if turn:
                        medians[is_held].append(median)
            empty()
    held = Measured("snapshot held", medians[True], "ms")
    free = Measured("none held", medians[False], "ms")
    work = f"release, claim and finish of one job after {jobs:,} others"
    return [Row("long-snapshot", work, held, free, held.median / free.median, "×", 2.0, at_most=True)]


@contextmanager
def snapshot(*, held: bool) -> Iterator[None]:
    """While `held`, another session keeps a snapshot, as a report does."""
    options: dict[str, Any] = connection.get_connection_params()
    of_server = {name: options[name] for name in ("dbname", "user", "password", "host", "port") if name in options}
    with psycopg.connect(**of_server) as other:
        if held:
            other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            other.execute("SELECT FROM jobs_queue")
        yield


def let_pass(owner: User, *, jobs: int, tidy: bool) -> None:
    """So many jobs go by, from waiting to succeeded. `tidy`: then vacuum removes what they left, if it may.

    Another queue has handed out jobs as well: with the rows of several queues, PostgreSQL may plan differently.
    """
    HandOut.objects.get_or_create(queue="reports", number=1, defaults={"last_owner": 0, "waiting_from": UUID(int=0)})
    serve_one(owner)
    fill([owner.pk, owner.pk], jobs=jobs)
    with connection.cursor() as cursor:
        for change in TRANSITIONS:
            cursor.execute(f"UPDATE jobs_job SET {change} WHERE queue = %s AND state <> 'succeeded'", [QUEUE])  # noqa: S608
        cursor.execute(HAND_OUTS, [jobs, QUEUE])
        cursor.execute(REPLACED, [QUEUE, QUEUE])
        cursor.execute("VACUUM (ANALYZE) jobs_job, jobs_handout" if tidy else "ANALYZE jobs_job, jobs_handout")
    release_jobs(QUEUE)


def milliseconds(owner: User, rounds: int) -> list[float]:
    """What each of so many jobs took."""
    return [serve_one(owner) for _ in range(rounds)]


def serve_one(owner: User) -> float:
    """Milliseconds from waiting to succeeded. Raises WrongWorkError unless this very job is handed out and claimed."""
    job = Job.objects.create(
        kind=NOTHING.name, queue=QUEUE, owner=owner, payload={}, max_attempts=NOTHING.retry_policy.max_attempts
    )
    started = time.monotonic()
    ids = release_jobs(QUEUE, since=job.pk)
    attempt = claim_job(job.pk, worker="bench", celery_task_id="", lease_seconds=60)
    if ids != [job.pk] or attempt is None:
        raise WrongWorkError(f"{len(ids)} jobs were handed out, of one that waited")
    context = JobContext(attempt, lease_seconds=60, asked_at=started)
    if finish_and_claim_next(context, reserved=Reserved(QUEUE), result=None, rows=0, peak_memory_bytes=0).attempt:
        raise WrongWorkError("a job was claimed where none waited")
    return (time.monotonic() - started) * 1000
