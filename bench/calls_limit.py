"""What a host's limit of requests per second adds to a call that it need not hold back."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User

from bench.calls import remote, worker
from bench.counting import wait_for
from bench.measuring import Measured, WrongWorkError, turns
from bench.pace import paced
from bench.registry import Setting
from bench.slow.call_types import PER_SECOND, OneLimitedRequest, OneRequest
from bench.table import Row
from calls.models import Host, Step
from calls.types import CallType
from config.stack.probing import free_port
from config.stack.stopping import say
from jobs.dispatch.submission import submit_job
from jobs.models import Job
from jobs.states import State

#: Calls that are ordered each second: well below the limit, so that whatever it adds is its price, not its purpose.
RATE: Final = 20
#: Short, so that what the limit adds is not lost in it. Seconds.
DELAY: Final = 0.1


def run(setting: Setting) -> list[Row]:
    """Both hosts are the same API, each in a process of its own; only one is asked at a time."""
    count = RATE * setting.seconds
    say(f"calls-limit: measuring {count:,} calls")
    owner = User.objects.create_user("calls-limit")
    free, limited = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    types: dict[str, tuple[type[CallType], str, float | None]] = {
        f"limit of {PER_SECOND}/s": (OneLimitedRequest, limited, PER_SECOND),
        "no limit": (OneRequest, free, None),
    }
    figures: dict[str, list[float]] = {name: [] for name in types}
    with ExitStack() as stack:
        for host in (free, limited):
            stack.enter_context(remote(int(host.rpartition(":")[2]), delay=DELAY))
        environment = {**os.environ, "BENCH_REMOTE": free, "BENCH_LIMITED_REMOTE": limited}
        stack.enter_context(worker(setting, environment))
        for name, warm_up in turns(list(types), repeat=setting.repeat):
            call_type, host, per_second = types[name]
            middle = statistics.median(latencies(owner, call_type, calls=count))
            require_limit(host, per_second)
            say(f"  {name}: p50 {middle:.1f} ms" + (" (warm-up)" if warm_up else ""))
            if not warm_up:
                figures[name].append(middle)
    ours, beside = (Measured(name, values, "ms") for name, values in figures.items())
    ours = replace(ours, name=f"{ours.name}, {ours.median - beside.median:+.1f} ms")
    work = f"p50 of a call of {DELAY:g} s, from its order to its end, {RATE} ordered per second"
    return [Row("calls-limit", work, ours, beside, ours.median / beside.median, "×", 1.5, at_most=True)]


def latencies(owner: User, call_type: type[CallType], *, calls: int) -> list[float]:
    """Milliseconds of the database's clock from the beginning of each order's transaction to the call's end."""
    payload = {"callType": call_type.identifier, "parameters": {}}
    ids = [submit_job(kind="call", owner=owner, payload=payload).pk for _ in paced(calls, per_second=RATE)]
    wait_for(calls, Job.objects.filter(pk__in=ids, state=State.SUCCEEDED).count)
    require_calls(ids)
    times = Job.objects.filter(pk__in=ids).values_list("created_at", "finished_at")
    return [(finished - created).total_seconds() * 1000 for created, finished in times if finished]


def require_calls(ids: Sequence[UUID]) -> None:
    """Raises WrongWorkError unless each succeeded at its first attempt with one request."""
    succeeded = Job.objects.filter(pk__in=ids, state=State.SUCCEEDED, attempt_count=1).count()
    steps = Step.objects.filter(job__in=ids, outcome=Step.Outcome.DONE).count()
    if not succeeded == steps == len(ids):
        raise WrongWorkError(f"of {len(ids):,} calls {succeeded:,} succeeded at once, with {steps:,} requests")


def require_limit(host: str, per_second: float | None) -> None:
    """Raises WrongWorkError unless this was the limit of the host."""
    # A host without limits has no row until something happens to it.
    found = Host.objects.filter(pk=host).values_list("per_second", flat=True).first()
    if found != per_second:
        raise WrongWorkError(f"the limit of {host} was {found}, not {per_second}")
