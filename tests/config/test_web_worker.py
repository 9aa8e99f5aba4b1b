"""Threads that only probes may have, and requests that have waited for too long."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from config.stack.datafolder import BASE_DIR
from config.stack.probing import answers, free_port
from config.web_worker import PROBE_THREADS, PROBES, Refusing, guarded, is_probe, refuse, waited
from jobs.api import health
from tests.support.waiting import wait_until

#: Answers when the file `gate` in the working directory exists.
APPLICATION = """
import os, time

def application(environ, start_response):
    if environ["PATH_INFO"] != "/livez":
        open(f"came-{time.monotonic_ns()}", "w").close()
        while not os.path.exists("gate"):
            time.sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
THREADS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port and the working directory of a gunicorn with one process and few threads."""
    folder = tmp_path_factory.mktemp("gunicorn")
    (folder / "slow.py").write_text(APPLICATION)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "slow:application", "--bind", f"127.0.0.1:{port}", "--threads"]
    command += [str(THREADS), "--worker-class", "config.web_worker.ProbeThreadWorker", "--no-control-socket"]
    environment = {"PYTHONPATH": f"{BASE_DIR}:{folder}", "PATH": "/usr/bin:/bin", "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=environment) as gunicorn:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"), message="gunicorn answers")
            yield port, folder
        finally:
            gunicorn.terminate()


@pytest.fixture
def port(server: tuple[int, Path]) -> int:
    return server[0]


@pytest.fixture
def folder(server: tuple[int, Path]) -> Iterator[Path]:
    """Nothing has come, and the gate is closed."""
    for left in (*server[1].glob("came-*"), server[1] / "gate"):
        left.unlink(missing_ok=True)
    yield server[1]
    (server[1] / "gate").touch()


def get(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    return connection.getresponse().status


@contextmanager
def clients(port: int, count: int, sent: str) -> Iterator[list[socket.socket]]:
    """So many that have sent this, and do not close."""
    with ExitStack() as stack:
        open_ones = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(count)]
        for one in open_ones:
            one.sendall(sent.encode())
        yield open_ones


def test_probes_are_answered_while_all_threads_wait(port: int, folder: Path) -> None:
    with ThreadPoolExecutor(10) as threads:
        slow = [threads.submit(get, port, "/api/reports") for _ in range(10)]
        wait_until(lambda: len(list(folder.glob("came-*"))) == THREADS)
        for path in ("/livez", "/livez?verbose=1"):
            assert get(port, path) == 200
        assert not any(one.done() for one in slow)
        (folder / "gate").touch()
        assert [one.result() for one in slow] == [200] * 10, "who waits is answered in the end"


def test_a_probe_may_follow_on_a_connection_that_is_kept(port: int, folder: Path) -> None:
    kept = HTTPConnection("127.0.0.1", port, timeout=20)
    with ThreadPoolExecutor(THREADS) as threads:
        slow = [threads.submit(get, port, "/") for _ in range(THREADS)]
        wait_until(lambda: len(list(folder.glob("came-*"))) == THREADS)
        for _ in range(3):
            kept.request("GET", "/livez")
            assert kept.getresponse().read() == b"ok"
        (folder / "gate").touch()
        assert [one.result() for one in slow] == [200] * THREADS


def test_connections_that_send_nothing_hold_no_thread(port: int, folder: Path) -> None:
    (folder / "gate").touch()
    # gunicorn itself would wait for each of them for 5 seconds: longer in all than `get` does.
    with clients(port, 10 * THREADS, ""):
        assert [get(port, path) for path in ("/", "/livez")] == [200, 200]


def test_half_a_probe_holds_no_thread_for_probes(port: int) -> None:
    with clients(port, 2 * PROBE_THREADS, "GET /livez HTTP/1.1\r\n"):
        assert get(port, "/livez") == 200


def test_clients_that_do_not_close_do_not_stop_the_main_thread(port: int) -> None:
    # gunicorn itself would wait for each of them for 2 seconds, one after the other.
    with clients(port, 20, "GET /livez HTTP/1.0\r\n\r\n") as open_ones:
        for one in open_ones:
            assert one.recv(1), "it has its answer"
        assert get(port, "/livez") == 200


def test_who_still_sends_is_not_reset_before_it_has_the_answer(port: int, folder: Path) -> None:
    (folder / "gate").touch()
    with clients(port, 1, "POST / HTTP/1.0\r\nContent-Length: 2000000\r\n\r\n") as [one]:
        wait_until(lambda: list(folder.glob("came-*")))
        one.sendall(bytes(2_000_000))
        assert one.makefile("rb").read().endswith(b"ok")


@pytest.mark.parametrize(
    ("seconds", "is_away", "answer"),
    [(0.0, True, "200"), (0.1, True, "200"), (0.3, True, "503"), (2.9, False, "200"), (3.1, False, "503")],
)
def test_what_has_waited_for_too_long_is_refused(
    seconds: float, is_away: bool, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def application(environ: object, start_response: object) -> list[bytes]:
        heard.append("200")
        return [b"ok"]

    monkeypatch.setattr(waited, "seconds", seconds)
    refusing = Refusing(application, longest_seconds=3, is_away=lambda: is_away)
    refusing({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda status, headers: heard.append(status[:3]))
    assert heard == [answer]


@pytest.mark.parametrize("path", PROBES)
def test_a_probe_is_never_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waited, "seconds", 9.0)
    refusing = Refusing(lambda environ, start_response: [b"ok"], longest_seconds=3, is_away=lambda: True)
    assert refusing({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, print) == [b"ok"]


def test_a_refusal_does_not_wait_for_a_body_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Response:
        """gunicorn's, as far as an application sees it."""

        closes = False

        def start_response(self, status: str, headers: object) -> None:
            assert status.startswith("503")

        def force_close(self) -> None:
            self.closes = True

    application = guarded(lambda environ, start_response: [], longest_seconds=3, is_away=lambda: False)
    response = Response()
    monkeypatch.setattr(waited, "seconds", 4.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = Body(LengthReader(SocketUnreader(ours), 1_000_000))
        environ = {"PATH_INFO": "/api/uploads", "REQUEST_METHOD": "POST", "wsgi.input": body, "gunicorn.socket": ours}
        assert application(environ, response.start_response)
    assert response.closes


@pytest.mark.parametrize(("path", "kind"), [("/api/reports", "application/problem+json"), ("/", "text/html")])
def test_a_refusal_says_when_to_come_back(path: str, kind: str) -> None:
    heard: list[tuple[str, dict[str, str]]] = []
    for method in ("GET", "HEAD"):
        [*body] = refuse(
            {"PATH_INFO": path, "REQUEST_METHOD": method},
            lambda status, headers: heard.append((status, dict(headers))),
        )
        status, headers = heard.pop()
        assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "2")
        assert headers["Content-Type"].startswith(kind)
        if method == "HEAD":
            assert body == []
        else:
            assert len(body[0]) == int(headers["Content-Length"])
            assert path == "/" or json.loads(body[0])["code"] == "server-busy"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", True),
        ("HEAD /readyz?verbose=1 HTTP/1.0\r\n\r\n", True),
        ("GET /livezoo HTTP/1.1\r\n\r\n", False),
        ("POST /livez HTTP/1.1\r\n\r\n", False),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\n", False),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\ncontent-length: 9\r\n\r\n", False),
        ("GET /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", False),
    ],
)
def test_a_probe_is_whole_and_has_no_body(request_: str, expected: bool) -> None:
    assert is_probe(request_.encode()) is expected


def test_what_has_threads_of_its_own_is_what_is_answered_as_a_probe() -> None:
    assert tuple(health.PROBES) == PROBES
