"""Callbacks: what who orders a report feels of receivers that are slow, hang, drip, redirect and fail."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Final, cast

from django.contrib.auth.models import User
from django.utils import timezone

from bench.backlog import empty
from bench.counting import wait_for
from bench.latency import percentile
from bench.measuring import Measured, WrongWorkError, turns
from bench.receivers import HOLDING, HOSTS
from bench.registry import Setting
from bench.table import Row
from bench.waiting import wait_until
from bench.worker import service
from config.stack.datafolder import BASE_DIR
from config.stack.probing import answers, free_port
from config.stack.stopping import say
from jobs.dispatch.submission import submit_job
from jobs.interventions.cancellation import cancel_jobs
from jobs.kinds import ALL_SCOPES
from jobs.models import Job, Queue
from jobs.models.token import ApiToken
from jobs.outbound.urls import bucket_of
from jobs.states import State
from jobs.webhooks.messages import new_payload

#: Orders of one measured run at most.
ORDERS: Final = 300
#: Deliveries to each receiver at most; of those that hold them two are in flight at once.
DELIVERIES: Final = 20
IN_FLIGHT: Final = 2 * HOLDING
#: The circuit would end the company after a few deliveries: it stays closed, which is worse than what users meet.
ENVIRONMENT: Final = {
    "CALLBACK_ALLOW_HTTP": "1",
    "CALLBACK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "CALLBACK_ALLOWED_PORTS": "",  # any
    "CALLBACK_CIRCUIT_FAILURES": "1000000",
}
#: Ports that are looked at for one where each receiver is in a bucket of its own; nearly any will do.
MOST_PORTS: Final = 100


def run(setting: Setting) -> list[Row]:
    """Orders that ask for a callback, one after the other over HTTP. Nothing runs them: their queue is paused."""
    count = min(ORDERS, setting.jobs)
    say(f"callbacks: measuring {count} orders")
    owner = User.objects.create_user("callbacks")
    _, token = ApiToken.objects.create(owner, scopes=[ALL_SCOPES])
    figures: dict[str, list[float]] = {"hostile receivers": [], "no deliveries": []}
    Queue.objects.filter(name="reports").update(paused=True)
    try:
        with ExitStack() as stack:
            receivers_port = stack.enter_context(receivers())
            port = stack.enter_context(web(setting))
            stack.enter_context(service(setting.folder, "worker-callbacks", {**os.environ, **ENVIRONMENT}))
            for name, warm_up in turns(list(figures), repeat=setting.repeat):
                hostile = name == "hostile receivers"
                if hostile:
                    submit_deliveries(owner, receivers_port, each=min(DELIVERIES, setting.jobs))
                taken = milliseconds(port, token, orders=count)
                p95 = percentile(taken, 95)
                require_deliveries(in_flight=IN_FLIGHT if hostile else 0)
                end_deliveries(owner)
                say(f"  {name}: p95 {p95:.2f} ms" + (" (warm-up)" if warm_up else ""))
                if not warm_up:
                    figures[name].append(p95)
    finally:
        Queue.objects.filter(name="reports").update(paused=False)
    ours, beside = (Measured(name, values, "ms") for name, values in figures.items())
    work = f"p95 of POST /api/reports, {count} orders one by one"
    return [Row("callbacks", work, ours, beside, ours.median / beside.median, "×", 1.5, at_most=True)]


@contextmanager
def receivers() -> Iterator[int]:
    """The port of all of them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.receivers", str(port_of_strangers())],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(cast("IO[str]", process.stdout).readline())
    finally:
        process.communicate(timeout=30)  # the end of its input ends it


def port_of_strangers() -> int:
    """A free port where no two receivers share a bucket, so that each holds its own two deliveries and no other's.

    Raises WrongWorkError where there is none.
    """
    for _ in range(MOST_PORTS):
        port = free_port()
        if len({bucket_of(f"http://{host}:{port}/") for host in HOSTS}) == len(HOSTS):
            return port
    raise WrongWorkError("on no port is each receiver in a bucket of its own")


@contextmanager
def web(setting: Setting) -> Iterator[int]:
    """The port of a web server, once it answers. Raises WrongWorkError when it does not start."""
    port = free_port()
    with service(setting.folder, "web", {**os.environ, **ENVIRONMENT}, port=port):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"), otherwise="the web server did not start")
        yield port


def submit_deliveries(owner: User, port: int, *, each: int) -> None:
    """So many to each receiver; wait until those that are answered at once have been tried, and the others hold on.

    Raises WrongWorkError when they do not.
    """
    at = timezone.now().isoformat()
    for _ in range(each):
        for host in HOSTS:
            message = new_payload(url=f"http://{host}:{port}/", event="callback.test", at=at, data={})
            submit_job(kind="callback", owner=owner, payload=message)
    at_once = each * (len(HOSTS) - HOLDING)
    tried = Job.objects.filter(kind="callback", state=State.FAILED, payload__host__in=list(HOSTS)[HOLDING:])
    if wait_for(at_once, tried.count) < at_once or wait_for(IN_FLIGHT, running) < IN_FLIGHT:
        raise WrongWorkError(f"{tried.count()} deliveries were answered, {running()} are in flight")


def milliseconds(port: int, token: str, *, orders: int) -> list[float]:
    """What each order took, over one connection. Raises WrongWorkError for one that is not accepted."""
    order = {"reportType": "yearly-sales", "parameters": {"year": 2023}, "callbackURL": "http://127.0.0.1:1/"}
    body, headers = json.dumps(order), {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for _ in range(orders):
        began = time.perf_counter()
        connection.request("POST", "/api/reports", body, headers)
        response = connection.getresponse()
        answer = response.read()
        taken.append((time.perf_counter() - began) * 1000)
        if response.status != 202:
            raise WrongWorkError(f"an order was answered with {response.status}: {answer[:200]!r}")
    connection.close()
    return taken


def running() -> int:
    """Deliveries in flight."""
    return Job.objects.filter(kind="callback", state=State.RUNNING).count()


def require_deliveries(*, in_flight: int) -> None:
    """Raises WrongWorkError unless so many are in flight still."""
    if (count := running()) < in_flight or (in_flight == 0 and count):
        raise WrongWorkError(f"{count} deliveries are in flight where {in_flight} should be")


def end_deliveries(owner: User) -> None:
    """No jobs are left. Raises WrongWorkError for a delivery that does not end when it is cancelled."""
    active = Job.objects.filter(kind="callback", state__in=(State.QUEUED, State.RUNNING, State.FAILED))
    cancel_jobs(list(active.values_list("pk", flat=True)), actor=owner.username)
    count = active.count()
    if wait_for(count, lambda: count - active.count()) < count:
        raise WrongWorkError("a delivery does not end when it is cancelled")
    empty()
