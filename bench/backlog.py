"""Backlog: what release, claim and finish of one job take, by how many wait behind it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from celery import current_app
from django.contrib.auth.models import User
from django.db import connection
from kombu import Queue as Declared

from bench.measuring import Measured, WrongWorkError
from bench.nothing.kinds import NOTHING
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import Outcome
from jobs.worker.transitions import claim_job, finish_job

#: No worker consumes it.
QUEUE: Final = "bench-backlog"
FEW: Final = 1000
#: Of whom one has 99 % of the jobs.
OWNERS: Final = 1001
#: Jobs that one measured run hands out at most.
ROUNDS: Final = 300

#: One owner has 99 of each 100 jobs, the others one after the other the rest. Ids grow with time, as the product's do.
FILL: Final = """
    INSERT INTO jobs_job (
        id, kind, queue, owner, payload, state, priority, due, attempt_count, max_attempts, fencing_token,
        progress_done, progress_percent, error_class, error_message, error_fingerprint, request_fingerprint
    )
    SELECT uuidv7(), %(kind)s, %(queue)s,
        (%(owners)s::bigint[])[CASE WHEN i %% 100 = 0 THEN 2 + (i / 100) %% (cardinality(%(owners)s) - 1) ELSE 1 END],
        '{}', 'queued', 0, true, 0, %(max_attempts)s, 0, 0, 0, '', '', '', ''
    FROM generate_series(1, %(jobs)s) AS i
"""


def run(setting: Setting) -> list[Row]:
    """The small backlog is measured before and behind the large one, so that noise hits both."""
    say(f"backlog: measuring {FEW:,} and {setting.backlog:,} waiting jobs")
    owners = User.objects.bulk_create(User(username=f"backlog-{number}") for number in range(OWNERS))
    ids = [owner.pk for owner in owners]
    rounds = min(ROUNDS, setting.jobs)
    medians: dict[str, list[float]] = {"few": [], "many": []}
    with unheard_queue():
        for name, jobs in (("few", FEW), ("many", setting.backlog), ("few", FEW)):
            fill(ids, jobs=jobs)
            for turn in range(setting.repeat + 1):
                median = statistics.median(milliseconds(rounds))
                say(f"  {jobs:,} waiting: {median:.2f} ms" + ("" if turn else " (warm-up)"))
                if turn:
                    medians[name].append(median)
            check(served=rounds * (setting.repeat + 1), waiting=jobs)
            empty()
    few = Measured(f"{FEW:,} waiting", medians["few"], "ms")
    many = Measured(f"{setting.backlog:,} waiting", medians["many"], "ms")
    work = "release, claim and finish of one job, 99 % of the others one owner's"
    return [Row("backlog", work, many, few, many.median / few.median, "×", 1.5, at_most=True)]


@contextmanager
def unheard_queue() -> Iterator[None]:
    """A queue with one place, whose messages nobody consumes; at the end there is nothing left of it."""
    dials = Queue.objects.create(name=QUEUE, max_running=1)
    current_app.amqp.queues.add(Declared(QUEUE, routing_key=QUEUE))
    try:
        yield
    finally:
        current_app.amqp.queues.pop(QUEUE)
        empty()
        dials.delete()


def fill(owners: list[int], *, jobs: int) -> None:
    """So many waiting jobs, by one statement; then what autovacuum and the checkpointer would do meanwhile."""
    parameters: dict[str, Any] = {
        "kind": NOTHING.name, "queue": QUEUE, "owners": owners, "jobs": jobs,
        "max_attempts": NOTHING.retry_policy.max_attempts,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FILL, parameters)
        cursor.execute("VACUUM (ANALYZE) jobs_job")
        cursor.execute("CHECKPOINT")
    os.sync()


def milliseconds(rounds: int) -> list[float]:
    """What each of so many jobs took. Behind each, off the clock, another of the same owner comes to wait."""
    taken = []
    last: int | None = None
    for _ in range(rounds):
        started = time.perf_counter()
        job = serve_one()
        taken.append((time.perf_counter() - started) * 1000)
        if job.owner_id == last:
            raise WrongWorkError("the same owner had two turns, one after the other")
        last = job.owner_id
        Job.objects.create(kind=job.kind, queue=job.queue, owner_id=last, payload={}, max_attempts=job.max_attempts)
    return taken


def serve_one() -> Job:
    """From waiting to succeeded. Raises WrongWorkError unless one job is handed out and can be claimed."""
    ids = release_jobs(QUEUE)
    if len(ids) != 1:
        raise WrongWorkError(f"{len(ids)} jobs were handed out where one place was free")
    attempt = claim_job(ids[0], worker="bench", celery_task_id="", lease_seconds=60)
    if attempt is None:
        raise WrongWorkError("the job that was handed out could not be claimed")
    finish_job(attempt, result=None, artifacts=[], rows=0, peak_memory_bytes=0)
    return attempt.job


def check(*, served: int, waiting: int) -> None:
    """Raises WrongWorkError unless so many jobs were served, with a message each, and so many wait still."""
    counts = {
        "attempts": Attempt.objects.filter(job__queue=QUEUE, outcome=Outcome.SUCCEEDED).count() - served,
        "messages": count_messages(QUEUE) - served,
        "waiting": Job.objects.waiting(QUEUE).count() - waiting,
    }
    if any(counts.values()):
        raise WrongWorkError(f"{served:,} jobs were served, but too many or too few: {counts}")


def empty(queue: str = QUEUE) -> None:
    """No jobs and no messages. Jobs of earlier benchmarks go too: row by row it would take minutes."""
    forget_messages(queue)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_job CASCADE")


def count_messages(queue: str) -> int:
    """Messages that nobody has consumed."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        return int(client.llen(queue))


def forget_messages(queue: str) -> None:
    """Leave none."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete(queue)
