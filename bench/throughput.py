"""Throughput: jobs that do nothing, from the first order to the last one finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from django.contrib.auth.models import User

from bench.counting import wait_for
from bench.measuring import WrongWorkError, alternate
from bench.nothing.kinds import NOTHING
from bench.peers import CONCURRENCY, DJANGO_TASKS, PROCRASTINATE, USUAL, bare_celery
from bench.registry import Setting
from bench.table import Row
from bench.worker import csv_worker
from config.stack.stopping import say
from jobs.dispatch.submission import submit_job
from jobs.models import Attempt, Job, Queue
from jobs.states import State

#: Rows, one for each peer in their order, and how many times as many jobs per second as it does are wanted.
TARGETS: Final = {
    "throughput": 0.6,
    "throughput-usual": 2.5,
    "throughput-procrastinate": 1.0,
    "throughput-django-tasks": 1.0,
}
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
    peers = {
        "bare Celery": bare_celery(str(tally)),
        "row, delay, two saves": USUAL,
        "procrastinate": PROCRASTINATE,
        "django-tasks": DJANGO_TASKS,
    }
    contenders: dict[str, Callable[[], dict[str, int]]] = {"Longhaul": partial(order_and_wait, owner, setting.jobs)}
    try:
        with ExitStack() as stack:
            stack.enter_context(csv_worker(setting.folder, concurrency=CONCURRENCY))
            for name, peer in peers.items():
                contenders[name] = partial(peer.start(setting.folder, stack), setting.jobs)
            timed = alternate(contenders, repeat=setting.repeat, inspect=partial(require_all, jobs=setting.jobs))
    finally:
        dials.update(max_running=max_running)
    ours, *others = (measured.per_second(setting.jobs, "jobs") for measured in timed.values())
    work = f"{setting.jobs:,} jobs that do nothing"
    return [
        Row(name, work, ours, other, ours.median / other.median, "×", target)
        for (name, target), other in zip(TARGETS.items(), others, strict=True)
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
