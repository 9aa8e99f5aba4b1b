"""Clients that send or read slower than any honest one, against a real gunicorn."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from django.contrib.auth.models import User

from config.stack import probing
from config.stack.datafolder import BASE_DIR
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

THREADS = 3
BIG = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"  # 1.4 MB


@pytest.fixture(scope="module")
def server(all_services: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """That of a web server with few threads, which waits for one second only."""
    number = probing.free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "python:config.gunicorn"]
    command += ["--bind", f"127.0.0.1:{number}", "--workers", "1"]
    command += ["--threads", str(THREADS), "--no-control-socket"]
    environment = {**os.environ, "DATABASE_URL": all_services.environment["DATABASE_URL"], "HTTPS": "0"}
    environment["WEB_IDLE_SECONDS"] = "1"
    with (tmp_path_factory.mktemp("web") / "web.log").open("wb") as log:
        web = subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(number), timeout=60, message="the web server answers")
        yield number
    finally:
        web.terminate()
        web.wait()


@pytest.fixture
def port(transactional_db: None, server: int) -> int:
    return server


def answers(port: int) -> bool:
    """Whether it answers what is no probe: a few threads are for probes alone."""
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/errors", timeout=2).status == 200)
    return False


def connect(port: int, sent: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(sent.encode())
    return client


@pytest.mark.parametrize(
    "sent",
    [
        "GET /api/docs HTTP/1.1\r\nHost: loc",
        "GET /livez HTTP/1.1\r\nHost: loc",
        6 * f"GET {BIG} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["half a request", "half a probe", "no reading"],
)
def test_many_that_stop_in_the_middle_give_their_threads_back(sent: str, port: int) -> None:
    with ExitStack() as open_ones:
        for _ in range(THREADS + 1):
            open_ones.enter_context(connect(port, sent))
        wait_until(lambda: answers(port), timeout=30, message="it answers others again")
        assert probing.answers(f"http://127.0.0.1:{port}/livez")


def test_half_a_body_is_408(port: int) -> None:
    bearer = bearer_of(User.objects.create_user("ada"))
    head = f"POST /api/reports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}"
    head += "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with connect(port, head + '{"reportType":') as client:
        client.settimeout(12)
        answer = client.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["code"] == "request-timeout"
