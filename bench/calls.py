"""Calls: requests of a second each, hundreds of them in flight in one worker, beside bare Celery with threads."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO, Final, cast

import psutil
from django.contrib.auth.models import User
from django.db import connection

from bench.counting import wait_for
from bench.measuring import Measured, turns
from bench.registry import Setting
from bench.sender import sender
from bench.slow.call_types import OneRequest
from bench.table import Row
from bench.throughput import require_all
from bench.worker import peak_bytes, tethered
from calls.models import Step
from config.stack.datafolder import BASE_DIR
from config.stack.probing import free_port
from config.stack.services import WORKER_GRACE_SECONDS, Service, all_services
from config.stack.stopping import say
from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.models import Job, Queue
from jobs.states import State

#: Calls of one measured run at most, and requests in flight.
CALLS: Final = 2000
IN_FLIGHT: Final = 500
MOST_SESSIONS: Final = 12
#: How often the sessions are counted: that costs as much as a call. Seconds.
LOOK_SECONDS: Final = 0.25
COUNT_SESSIONS: Final = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def run(setting: Setting) -> list[Row]:
    """The calls are ordered beforehand: what is measured is their worker, from the first handed out to the last one."""
    count = min(CALLS, setting.jobs * 2)
    say(f"calls: measuring {count:,} calls")
    owner = User.objects.create_user("calls")
    tally = setting.folder.path / "bare-calls-tally"
    tally.touch()
    port = free_port()
    ours = {**os.environ, "BENCH_REMOTE": f"127.0.0.1:{port}"}
    bare = {**ours, "BENCH_TALLY": str(tally)}
    del bare["DJANGO_SETTINGS_MODULE"]  # Celery would load Django where it is set
    seconds: dict[str, list[float]] = {"Longhaul": [], "bare Celery": []}
    sessions: list[float] = []
    with ExitStack() as stack:
        start = stack.enter_context
        start(remote(port))
        workers = {"Longhaul": start(worker(setting, ours))}
        workers["bare Celery"] = start(tethered(setting.folder, bare_worker(), bare))
        order_bare = start(sender("bench.bare_calls", bare))
        for name, warm_up in turns(list(seconds), repeat=setting.repeat):
            ended = order_and_wait(owner, count) if name == "Longhaul" else order_bare(count)
            took = ended.pop("milliseconds") / 1000
            most = ended.pop("sessions", None)
            say(f"  {name}: {took:.2f} s" + (" (warm-up)" if warm_up else ""))
            require_all(name, ended, jobs=count)
            if not warm_up:
                seconds[name].append(took)
                sessions += [] if most is None else [float(most)]
        peaks = {name: Measured(name, [peak_megabytes(tether)], "MB") for name, tether in workers.items()}
    calls, celery = (Measured(name, values, "s").per_second(count, "calls") for name, values in seconds.items())
    work = f"{count:,} calls of 1 s, up to {IN_FLIGHT} in flight in one worker"
    held = Measured("Longhaul", sessions, "sessions")
    ours_peak, bare_peak = peaks.values()
    return [
        Row("calls", work, calls, celery, calls.median / celery.median, "×", 0.8),
        Row("calls-sessions", work, held, None, held.median, "sessions", MOST_SESSIONS, at_most=True),
        Row("calls-memory", work, ours_peak, bare_peak, ours_peak.median / bare_peak.median, "×", None),
    ]


@contextmanager
def remote(port: int, *, delay: float = 1.0) -> Iterator[None]:
    """The slow API of the bundled example, which answers each request after so many seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.rates.server", "--port", str(port), "--delay", str(delay), "--follow-stdin"],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        cast("IO[str]", process.stdout).readline()
        yield
    finally:
        process.communicate(timeout=30)  # the end of its input ends it


@contextmanager
def worker(setting: Setting, environment: Mapping[str, str], *, threads: int = IN_FLIGHT) -> Iterator[int]:
    """Longhaul's, with so many threads, which are part of its command line; gives the id of its tether."""
    [known] = [each for each in all_services(port=0) if each.name == "worker-calls"]
    command = [*known.command[:-1], str(threads)]
    with tethered(setting.folder, replace(known, command=command), environment) as tether:
        yield tether


def bare_worker() -> Service:
    """A Celery worker with as many threads."""
    command = [sys.executable, "-m", "celery", "-A", "bench.bare_calls", "worker", "--loglevel", "ERROR"]
    command += ["--without-gossip", "--without-mingle", "--pool", "threads", "--concurrency", str(IN_FLIGHT)]
    return Service("bare-calls", [*command, "-n", "bare-calls@%h"], WORKER_GRACE_SECONDS)


def order_and_wait(owner: User, calls: int) -> dict[str, int]:
    """Order all while the queue is paused; then from its release to the last success."""
    queue = Queue.objects.filter(name="calls")
    queue.update(paused=True)
    payload = {"callType": OneRequest.identifier, "parameters": {}}
    ids = [submit_job(kind="call", owner=owner, payload=payload).pk for _ in range(calls)]
    mine = Job.objects.filter(kind="call", pk__gte=min(ids))
    most, looked_at = 0, -math.inf

    def succeeded() -> int:
        nonlocal most, looked_at
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            most, looked_at = max(most, sessions_of_worker()), time.monotonic()
        return mine.filter(state=State.SUCCEEDED).count()

    began = time.perf_counter()
    queue.update(paused=False)
    release_jobs("calls")
    ended = wait_for(calls, succeeded)
    took = round((time.perf_counter() - began) * 1000)
    steps = Step.objects.filter(job__in=mine, outcome="done").count()
    return {"succeeded": ended, "steps": steps, "milliseconds": took, "sessions": most}


def peak_megabytes(tether: int) -> float:
    """The most memory that the worker below its tether has had. Its threads share one process."""
    [main] = psutil.Process(tether).children()
    return peak_bytes(main.pid) / 1_000_000


def sessions_of_worker() -> int:
    """Sessions of PostgreSQL besides our own: only the worker for calls has others."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SESSIONS)
        return int(cursor.fetchone()[0])
