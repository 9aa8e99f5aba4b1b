"""Latency: how long one order waits on an idle stack until its attempt starts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from django.contrib.auth.models import User

from bench.counting import wait_for
from bench.measuring import Measured, WrongWorkError
from bench.nothing.kinds import NOTHING
from bench.peers import bare_celery
from bench.registry import Setting
from bench.table import Row
from bench.worker import csv_worker
from config.stack.stopping import say
from jobs.dispatch.submission import submit_job
from jobs.models import Attempt, Job
from jobs.states import State

CONCURRENCY: Final = 2
#: Jobs of one measured run at most.
SINGLES: Final = 100
#: Target of the median.
MOST_MILLISECONDS: Final = 4.0


def run(setting: Setting) -> list[Row]:
    """Jobs one after the other, each on its own, in turns with tasks of Celery alone; the first run warms up."""
    say("latency: measuring")
    owner = User.objects.create_user("latency")
    count = min(SINGLES, setting.jobs)
    tally = setting.folder.path / "bare-latency"
    tally.touch()
    figures: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        stack.enter_context(csv_worker(setting.folder, concurrency=CONCURRENCY))
        bare = bare_celery(str(tally), module="bench.bare_latency").start(setting.folder, stack)
        for turn in range(setting.repeat + 1):
            pairs = [(wait_of_one(owner), bare(1)["microseconds"] / 1000) for _ in range(count)]
            for name, waits in zip(("Longhaul", "bare Celery"), zip(*pairs, strict=True), strict=True):
                middle, high = percentile(waits, 50), percentile(waits, 99)
                say(f"  {count} jobs, {name}: p50 {middle:.1f} ms, p99 {high:.1f} ms" + ("" if turn else " (warm-up)"))
                if turn:
                    figures.setdefault((name, 50), []).append(middle)
                    figures.setdefault((name, 99), []).append(high)
    return [row(figures, 50, count, target=MOST_MILLISECONDS), row(figures, 99, count, target=None)]


def row(figures: Mapping[tuple[str, int], list[float]], percent: int, count: int, *, target: float | None) -> Row:
    """Milliseconds of both; only Longhaul's have the target."""
    ours = Measured(f"p{percent}", figures["Longhaul", percent], "ms")
    bare = Measured(f"bare Celery, p{percent}", figures["bare Celery", percent], "ms")
    name = "latency" if target else f"latency-p{percent}"
    work = f"{count} jobs, one by one, from the order to the start"
    return Row(name, work, ours, bare, ours.median, "ms", target, at_most=True)


def wait_of_one(owner: User) -> float:
    """Milliseconds of the database's clock from the beginning of the order's transaction to the attempt's start.

    Raises WrongWorkError unless the job succeeds at once.
    """
    job = submit_job(kind=NOTHING.name, owner=owner, payload={})
    wait_for(1, Job.objects.filter(pk=job.pk, state=State.SUCCEEDED).count)
    job.refresh_from_db()
    attempts = list(Attempt.objects.filter(job=job))
    if job.state != State.SUCCEEDED or len(attempts) != 1:
        raise WrongWorkError(f"the job ended as {job.state} after {len(attempts)} attempts")
    return (attempts[0].started_at - job.created_at).total_seconds() * 1000


def percentile(values: Sequence[float], percent: int) -> float:
    """Between the two nearest values; the value itself where there is but one."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
