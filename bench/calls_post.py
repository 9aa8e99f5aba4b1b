"""How long an order of a call takes beside hundreds of calls in flight in one worker.

The web server, PostgreSQL, Valkey, the worker and the API that it calls share two cores here, and with calls of a
second, hundreds in flight are hundreds that begin and end each second: the cores are busy. So an order takes longer,
whatever the worker does; there is no target.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import ExitStack
from itertools import cycle
from typing import Final

from django.contrib.auth.models import User

from bench.calls import IN_FLIGHT, remote, worker
from bench.counting import wait_for
from bench.latency import percentile
from bench.load import Ask, http_request, send_all
from bench.measuring import Measured, WrongWorkError, turns
from bench.pace import paced
from bench.registry import Setting
from bench.slow.call_types import OneRequest
from bench.table import Row
from bench.waiting import wait_until
from bench.web import OURS, WebServer, connections, web_server
from config.stack.probing import free_port
from config.stack.stopping import say
from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.kinds import ALL_SCOPES
from jobs.models import Job, Queue
from jobs.models.token import ApiToken
from jobs.states import State

#: Orders over HTTP each second: few, as they are not to be the load.
RATE: Final = 20
#: The calls last for so much longer than the orders at least, as no thread does more than one a second. Seconds.
MARGIN_SECONDS: Final = 2
#: Of the worker's threads, at least this share has a call in hand; the others are between two calls.
BUSY_SHARE: Final = 0.5

QUEUE: Final = "calls"
ORDER: Final = {"callType": OneRequest.identifier, "parameters": {}}
BODY: Final = json.dumps(ORDER).encode()
ACCEPTED: Final = re.compile(rb"HTTP/1\.1 202 ")


def run(setting: Setting) -> list[Row]:
    """The worker runs all the time, and runs what is ordered over HTTP, too."""
    # In a small run as well, the worker keeps up with what is ordered over HTTP.
    threads, orders = min(IN_FLIGHT, max(setting.jobs, 2 * RATE)), RATE * setting.seconds
    say(f"calls-post: measuring {orders:,} orders beside {threads} calls")
    owner = User.objects.create_user("calls-post")
    _, token = ApiToken.objects.create(owner, scopes=[ALL_SCOPES])
    port = free_port()
    environment = {"BENCH_REMOTE": f"127.0.0.1:{port}"}
    figures: dict[str, list[float]] = {"busy": [], "idle": []}
    ordered = 0
    with ExitStack() as stack:
        start = stack.enter_context
        start(remote(port))
        start(worker(setting, {**os.environ, **environment}, threads=threads))
        web = start(web_server(setting.folder, "config.wsgi", {**OURS, **environment}))
        for name, warm_up in turns(list(figures), repeat=setting.repeat):
            if name == "busy":
                ordered += order_calls(owner, calls=threads * (setting.seconds + MARGIN_SECONDS))
                wait_until(lambda: is_busy(threads), otherwise=f"there are never nearly {threads} calls in flight")
            p95 = percentile(milliseconds(web, token, orders=orders), 95)
            if name == "busy" and not is_busy(threads):
                raise WrongWorkError(f"there were not nearly {threads} calls in flight at the end")
            ordered += orders
            require_success(owner, calls=ordered)
            say(f"  {name}: p95 {p95:.2f} ms" + (" (warm-up)" if warm_up else ""))
            if not warm_up:
                figures[name].append(p95)
    busy, idle = (Measured(name, values, "ms") for name, values in figures.items())
    work = f"p95 of POST /api/calls, {RATE} per second, beside {threads} calls of 1 s in flight"
    return [Row("calls-post", work, busy, idle, busy.median / idle.median, "×", None)]


def order_calls(owner: User, *, calls: int) -> int:
    """Order so many while the queue is paused, then hand out all. Gives their number."""
    queue = Queue.objects.filter(name=QUEUE)
    queue.update(paused=True)
    for _ in range(calls):
        submit_job(kind="call", owner=owner, payload=ORDER)
    queue.update(paused=False)
    release_jobs(QUEUE)
    return calls


def is_busy(threads: int) -> bool:
    """Whether most of the worker's threads have a call in hand."""
    return Job.objects.filter(kind="call", state=State.RUNNING).count() >= threads * BUSY_SHARE


def milliseconds(web: WebServer, token: str, *, orders: int) -> list[float]:
    """What each order took since it was due, over one connection to each process in turns. Raises WrongWorkError."""
    ask = Ask(http_request("POST", "/api/calls", authorization=f"Bearer {token}", body=BODY), ACCEPTED)
    taken = []
    with connections(web, clients=len(web.processes)) as clients:
        for due, client in zip(paced(orders, per_second=RATE), cycle(clients), strict=False):
            send_all([ask], [client])
            taken.append((time.perf_counter() - due) * 1000)
    return taken


def require_success(owner: User, *, calls: int) -> None:
    """Wait for the end of all calls so far. Raises WrongWorkError unless so many have succeeded."""
    succeeded = wait_for(calls, Job.objects.filter(owner=owner, state=State.SUCCEEDED).count)
    if succeeded != calls:
        raise WrongWorkError(f"of {calls:,} calls {succeeded:,} succeeded")
