"""Orders that wait for the end of their job (`Prefer: wait`), against a real gunicorn."""

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from config.stack.datafolder import BASE_DIR
from config.stack.probing import answers, free_port
from jobs.models import Job, Queue
from jobs.states import State
from tests.support.ordering import ORDER
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

#: As in `make up`.
PROCESSES, PLACES = 2, 2
CLIENTS: Final = 200
BODY: Final = json.dumps(ORDER)


@contextmanager
def gunicorn(stack: Stack, folder: Path, *options: str, **environment: str) -> Iterator[tuple[int, Any]]:
    """The port and the process of a web server."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "python:config.gunicorn"]
    command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket", "--graceful-timeout", "25", *options]
    settings = {**os.environ, "DATABASE_URL": stack.environment["DATABASE_URL"], "HTTPS": "0", **environment}
    with (folder / "web.log").open("ab") as log:
        web = subprocess.Popen(command, cwd=BASE_DIR, env=settings, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"), timeout=120, message="the web server answers")
        yield port, web
    finally:
        web.terminate()
        web.wait(60)


@pytest.fixture(scope="module")
def usual(all_services: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a web server as it is by default."""
    with gunicorn(all_services, tmp_path_factory.mktemp("usual"), "--workers", str(PROCESSES)) as (port, _):
        yield port


@pytest.fixture
def bearer(transactional_db: None) -> str:
    """A token of a user who may order as much as they want."""
    Queue.objects.update(max_queued=None, max_queued_per_owner=None)
    return bearer_of(User.objects.create_user("ada"))


@pytest.fixture
def nothing_runs(transactional_db: None) -> None:
    """So jobs do not end."""
    Queue.objects.update(paused=True)


def request(port: int, method: str, path: str, bearer: str, *, prefer: str = "") -> tuple[int, HTTPResponse, Any]:
    """The status, the response and the body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json", "Prefer": prefer}
    connection.request(method, path, BODY if method == "POST" else None, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response, json.loads(body) if body.startswith(b"{") else body


def order(port: int, bearer: str, *, prefer: str = "") -> tuple[int, str | None]:
    """The status, and what was applied."""
    status, response, _ = request(port, "POST", "/api/reports", bearer, prefer=prefer)
    return status, response.headers.get("Preference-Applied")


def send_order(port: int, bearer: str, *, prefer: str) -> socket.socket:
    """Send an order, and read nothing."""
    client = socket.create_connection(("127.0.0.1", port), 60)
    head = f"POST /api/reports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\nPrefer: {prefer}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    client.sendall((head + BODY).encode())
    return client


def read_answer(client: socket.socket) -> tuple[int, str | None, str | None]:
    """The status, what was applied, and what becomes of the connection."""
    response = HTTPResponse(client)
    response.begin()
    response.read()
    return response.status, response.headers.get("Preference-Applied"), response.headers.get("Connection")


def p95(ask: Callable[[], object], *, times: int) -> float:
    """Of the seconds that each call takes."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        ask()
        taken.append(time.monotonic() - began)
    return sorted(taken)[math.ceil(0.95 * times) - 1]


def test_an_order_of_a_fast_report_is_answered_with_its_file(stack: Stack, usual: int, bearer: str) -> None:
    status, response, body = request(usual, "POST", "/api/reports", bearer, prefer="wait=20")
    assert (status, response.headers["Preference-Applied"], body["status"]) == (200, "wait=20", "Complete")
    status, _, file = request(usual, "GET", body["reportURL"], bearer)
    assert (status, len(file)) == (200, body["sizeBytes"])


def test_many_that_wait_leave_the_web_server_to_others(
    usual: int, bearer: str, nothing_runs: None, record_property: Callable[[str, object], None]
) -> None:
    other = bearer_of(User.objects.create_user("grace"))
    job_id = request(usual, "POST", "/api/reports", other)[2]["id"]

    def measured() -> dict[str, float]:
        return {
            "livez": p95(lambda: request(usual, "GET", "/livez", other), times=40),
            "status": p95(lambda: request(usual, "GET", f"/api/reports/{job_id}", other), times=3),
            "list": p95(lambda: request(usual, "GET", "/api/reports", other), times=40),
            "order": p95(lambda: request(usual, "POST", "/api/reports", other), times=40),
        }

    idle = measured()
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(send_order(usual, bearer, prefer="wait=25")) for _ in range(CLIENTS)]
        assert answers(f"http://127.0.0.1:{usual}/livez"), "in the midst of them"
        mine = Job.objects.filter(owner__username="ada")
        wait_until(lambda: mine.count() == CLIENTS, timeout=60, message="all orders are accepted")
        busy = measured()
        mine.update(state=State.CANCELLED, finished_at=Now())
        told = Counter(read_answer(client)[:2] for client in clients)
    record_property("p95", {"idle": idle, "busy": busy})
    print({"idle": idle, "busy": busy})  # noqa: T201
    assert told == {(202, None): CLIENTS - PROCESSES * PLACES, (200, "wait=25"): PROCESSES * PLACES}
    assert all(busy[name] < max(1.0, 5 * idle[name]) for name in idle)


def test_a_client_that_closes_its_connection_frees_its_place_within_a_second(
    all_services: Stack, tmp_path: Path, bearer: str, nothing_runs: None
) -> None:
    with gunicorn(all_services, tmp_path, "--workers", "1", PREFER_WAIT_PLACES="1") as (port, _):
        with waiting_alone(port, bearer):
            pass
        closed_at = time.monotonic()

        def place_found_at() -> float | None:
            began = time.monotonic()
            return began if order(port, bearer, prefer="wait=1") == (202, "wait=1") else None

        found_at = wait_until(place_found_at, message="the place is free")
        assert found_at is not None
        assert found_at - closed_at < 1


def test_a_server_that_stops_answers_at_once_whoever_waits(
    all_services: Stack, tmp_path: Path, bearer: str, nothing_runs: None
) -> None:
    with (
        gunicorn(all_services, tmp_path, "--workers", "1", PREFER_WAIT_PLACES="1") as (port, web),
        waiting_alone(port, bearer) as client,
    ):
        began = time.monotonic()
        web.terminate()
        assert read_answer(client) == (202, None, "close")
        assert time.monotonic() - began < 1
        client.close()  # as it was told to by `Connection: close`
        web.wait(20)
        assert time.monotonic() - began < 5, "and so the server stops soon"


@contextmanager
def waiting_alone(port: int, bearer: str) -> Iterator[socket.socket]:
    """A client that has the only place."""
    assert order(port, bearer, prefer="wait=0") == (202, "wait=0"), "all is loaded by now"
    before = Job.objects.count()
    with send_order(port, bearer, prefer="wait=25") as client:
        wait_until(lambda: Job.objects.count() > before, message="the order is accepted")
        wait_until(lambda: order(port, bearer, prefer="wait=1") == (202, None), message="the place is taken")
        yield client
