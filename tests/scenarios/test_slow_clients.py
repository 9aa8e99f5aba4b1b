"""Clients that send or read slower than any honest one, against a real gunicorn."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import IO

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from config.stack import probing
from config.stack.datafolder import BASE_DIR
from jobs.models import Job
from jobs.models.ids import first_id_at
from tests.support.apps.warehouse.models import Tenant
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
    environment |= {"WEB_IDLE_SECONDS": "1", "UPLOADS_AT_ONCE": str(THREADS - 1), "UPLOAD_RATE_WINDOW_SECONDS": "2"}
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


CSV = b"Code,Name,Price\r\nA-1,Bolt,1.50\r\n"


@pytest.fixture
def head(port: int) -> Callable[[int], str]:
    """The head of an upload with a body of so many bytes."""
    Tenant.objects.create(code="ada")
    bearer = bearer_of(User.objects.create_user("ada"))

    def head(length: int) -> str:
        return (
            f"POST /api/uploads?uploadType=items HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n"
            f"Content-Type: text/csv\r\nContent-Length: {length}\r\n\r\n"
        )

    return head


def test_uploads_that_drip_leave_threads_to_others_and_nothing_in_the_storage(
    port: int, head: Callable[[int], str], stored: Callable[[], set[str]]
) -> None:
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(connect(port, head(10_000_000))) for _ in range(12)]
        said = dict.fromkeys(clients, b"")

        def drip() -> bool:
            """A byte of each; whether all are answered. Meanwhile, others are, too."""
            for client in clients:
                with suppress(OSError):
                    client.sendall(b"x")
                client.settimeout(0.01)
                with suppress(OSError):
                    said[client] += client.recv(4096)
            assert answers(port)
            return all(said.values())

        wait_until(drip, timeout=30, message="all of them are answered")
    statuses = Counter(answer.split()[1] for answer in said.values())
    assert statuses.keys() == {b"408", b"503"}
    assert statuses[b"408"] >= 1
    assert all(b"Connection: close" in answer for answer in said.values())
    assert (stored(), Job.objects.count()) == (set(), 0)


def test_an_upload_that_is_cut_off_leaves_nothing(
    port: int, head: Callable[[int], str], stored: Callable[[], set[str]]
) -> None:
    with connect(port, head(1000)) as client:
        client.sendall(CSV)
        wait_until(lambda: len(stored()) == 1, timeout=10, message="its file is begun")
    wait_until(lambda: not stored(), timeout=10, message="its file is deleted")
    assert Job.objects.count() == 0


def test_an_upload_outlasts_the_sessions_of_its_beginning(
    port: int, head: Callable[[int], str], stored: Callable[[], set[str]]
) -> None:
    with connect(port, head(len(CSV))) as client:
        client.sendall(CSV[:10])
        wait_until(lambda: len(stored()) == 1, timeout=10, message="its file is begun")
        began_to_wait = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        client.sendall(CSV[10:])
        client.settimeout(10)
        assert read_answer(client.makefile("rb"))[0].split()[1] == b"202"
    job = Job.objects.get()
    assert first_id_at(began_to_wait) < job.pk, "its id is of the time when the file was complete"


def test_requests_follow_an_upload_on_its_connection(port: int, head: Callable[[int], str]) -> None:
    status = "GET /api/errors HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(port, head(len(CSV) + 3)) as client:
        client.settimeout(10)
        answer = client.makefile("rb")
        for part in (CSV, b"A", b",B"):  # each in a segment of its own
            client.sendall(part)
        assert read_answer(answer)[0].split()[1] == b"202"
        client.sendall((head(len(CSV)) + CSV.decode() + status).encode())
        assert [read_answer(answer)[0].split()[1] for _ in range(2)] == [b"202", b"200"]
    assert sorted(job.payload["file"]["sizeBytes"] for job in Job.objects.all()) == [len(CSV), len(CSV) + 3]


def read_answer(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """The status line and the body of the next response."""
    first, length = stream.readline(), 0
    while (line := stream.readline().strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return first, stream.read(length)
