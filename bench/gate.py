"""Gate: what the limits cost, where a job is ordered and where it is handed out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Final

from django.contrib.auth.models import User

from bench.backlog import FEW, OWNERS, QUEUE, check, empty, fill, milliseconds, unheard_queue
from bench.measuring import Measured, WrongWorkError, alternate, turns
from bench.nothing.kinds import NOTHING
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.models import Job, Queue, TypeDials

#: Jobs that one measured run hands out at most.
ROUNDS: Final = 100
#: Dials that the queue has besides `max_running`, which both contenders have.
LIMITS: Final = ("max_queued", "max_queued_per_owner", "max_running_per_owner", "max_running_per_type")

Gate = Callable[[], AbstractContextManager[None]]


def run(setting: Setting) -> list[Row]:
    """On a queue with one place, whose messages nobody consumes."""
    say(f"gate: measuring {setting.jobs:,} orders, and {FEW:,} waiting jobs")
    with unheard_queue():
        return [submit_row(setting), release_row(setting)]


def submit_row(setting: Setting) -> Row:
    """All orders are one owner's. The limits are as high as there are orders: the next one tells whether they hold."""
    jobs = setting.jobs
    owner = User.objects.create_user("gate")
    gates: dict[str, Gate] = {"all limits": partial(all_limits, queued=jobs), "without": nullcontext}

    def inspect(name: str, made: None) -> None:
        with gates[name]():
            require_orders(owner, jobs=jobs, limited=gates[name] is not nullcontext)
        empty()

    timed = alternate(
        {name: partial(submit, owner, jobs=jobs, gate=gate) for name, gate in gates.items()},
        repeat=setting.repeat,
        inspect=inspect,
    )
    ours, beside = (measured.per_second(jobs, "jobs") for measured in timed.values())
    return Row("gate-submit", f"{jobs:,} orders", ours, beside, ours.median / beside.median, "×", 0.5)


def release_row(setting: Setting) -> Row:
    """As the backlog is measured, with few jobs."""
    owners = [owner.pk for owner in User.objects.bulk_create(User(username=f"gate-{n}") for n in range(OWNERS))]
    rounds = min(ROUNDS, setting.jobs)
    gates: dict[str, Gate] = {"all limits": partial(all_limits, queued=FEW), "max_running only": nullcontext}
    medians: dict[str, list[float]] = {name: [] for name in gates}
    for name, warm_up in turns(list(gates), repeat=setting.repeat):
        fill(owners, jobs=FEW)
        with gates[name]():
            median = statistics.median(milliseconds(rounds))
            check(served=rounds, waiting=FEW)
            require_places(limited=gates[name] is not nullcontext)
        empty()
        say(f"  {name}: {median:.2f} ms" + (" (warm-up)" if warm_up else ""))
        if not warm_up:
            medians[name].append(median)
    ours, beside = (Measured(name, values, "ms") for name, values in medians.items())
    work = f"release, claim and finish of one job while {FEW:,} wait"
    return Row("gate-release", work, ours, beside, ours.median / beside.median, "×", 1.5, at_most=True)


@contextmanager
def all_limits(*, queued: int) -> Iterator[None]:
    """So many may wait and one may run: in the queue, of each owner, of each type, and of this type by its own row."""
    queue = Queue.objects.filter(name=QUEUE)
    queue.update(**dict(zip(LIMITS, (queued, queued, 1, 1), strict=True)))
    dials = TypeDials.objects.create(kind=NOTHING.name, type="", max_queued=queued, max_running=1)
    try:
        yield
    finally:
        dials.delete()
        queue.update(**dict.fromkeys(LIMITS))


def submit(owner: User, *, jobs: int, gate: Gate) -> None:
    """Each order is a transaction."""
    with gate():
        for _ in range(jobs):
            submit_job(kind=NOTHING.name, owner=owner, payload={}, queue=QUEUE)


def require_orders(owner: User, *, jobs: int, limited: bool) -> None:
    """Raises WrongWorkError unless so many jobs were accepted, and one more is refused where there are limits."""
    if (accepted := Job.objects.queued(QUEUE).count()) != jobs:
        raise WrongWorkError(f"of {jobs:,} orders {accepted:,} were accepted")
    try:
        submit(owner, jobs=1, gate=nullcontext)
    except AdmissionError:
        refused = True
    else:
        refused = False
    if refused != limited:
        raise WrongWorkError(
            f"one order more was {'refused without limits' if refused else 'accepted above the limits'}"
        )


def require_places(*, limited: bool) -> None:
    """Raises WrongWorkError unless of two free places one is given away where there are limits, else both."""
    queue = Queue.objects.filter(name=QUEUE)
    queue.update(max_running=2)
    handed_out = len(release_jobs(QUEUE))
    queue.update(max_running=1)
    if handed_out != (expected := 1 if limited else 2):
        raise WrongWorkError(f"of two free places {handed_out} were given away, not {expected}")
