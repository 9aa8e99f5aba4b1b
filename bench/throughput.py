"""Throughput: jobs that do nothing, from the first order to the last one finished."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from django.contrib.auth.models import User

from bench.counting import wait_for
from bench.measuring import WrongWorkError, alternate
from bench.nothing.kinds import NOTHING
from bench.registry import Setting
from bench.sender import sender
from bench.table import Row
from bench.worker import csv_worker, other_worker
from config.stack.stopping import say
from jobs.dispatch.submission import submit_job
from jobs.models import Attempt, Job, Queue
from jobs.states import State

#: Pool processes of each contender's worker.
CONCURRENCY: Final = 2
#: Enough that the queue is never what a pool process waits for.
MAX_RUNNING: Final = 50


def run(setting: Setting) -> list[Row]:
    """All workers run all the time, and only one has something to do: who is idle takes nothing from the others."""
    say(f"throughput: measuring {setting.jobs:,} jobs")
    owner = User.objects.create_user("throughput")
    dials = Queue.objects.filter(name=NOTHING.queue)
    max_running = dials.get().max_running
    dials.update(max_running=MAX_RUNNING)
    tally = setting.folder.path / "bare-tally"
    tally.touch()
    bare = {**os.environ, "BENCH_TALLY": str(tally)}
    del bare["DJANGO_SETTINGS_MODULE"]  # Celery would load Django where it is set
    usual = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.usual.settings"}
    try:
        with ExitStack() as stack:
            start = stack.enter_context
            start(csv_worker(setting.folder, concurrency=CONCURRENCY))
            start(other_worker(setting.folder, "bench.bare", bare, concurrency=CONCURRENCY))
            start(other_worker(setting.folder, "bench.usual", usual, concurrency=CONCURRENCY))
            timed = alternate(
                {
                    "Longhaul": partial(order_and_wait, owner, setting.jobs),
                    "bare Celery": partial(start(sender("bench.bare", bare)), setting.jobs),
                    "row, delay, two saves": partial(start(sender("bench.usual", usual)), setting.jobs),
                },
                repeat=setting.repeat,
                inspect=partial(require_all, jobs=setting.jobs),
            )
    finally:
        dials.update(max_running=max_running)
    ours, celery, django = (measured.per_second(setting.jobs, "jobs") for measured in timed.values())
    work = f"{setting.jobs:,} jobs that do nothing"
    return [
        Row("throughput", work, ours, celery, ours.median / celery.median, "×", 0.3),
        Row("throughput-usual", work, ours, django, ours.median / django.median, "×", 2.0),
    ]


def order_and_wait(owner: User, jobs: int) -> dict[str, int]:
    """From the first order to the last success; each order is a transaction. What a turn made is left there."""
    ids = [submit_job(kind=NOTHING.name, owner=owner, payload={}).pk for _ in range(jobs)]
    mine = Job.objects.filter(kind=NOTHING.name, pk__gte=min(ids))
    succeeded = wait_for(jobs, mine.filter(state=State.SUCCEEDED).count)
    return {"succeeded": succeeded, "attempts": Attempt.objects.filter(job__in=mine).count()}


def require_all(name: str, counts: Mapping[str, int], *, jobs: int) -> None:
    """Raises WrongWorkError unless each job was done, and done once."""
    for what, count in counts.items():
        if count != jobs:
            raise WrongWorkError(f"{name}: of {jobs:,} jobs, {what}: {count:,}")
