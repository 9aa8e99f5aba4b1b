"""Threads that only probes may have, and requests that have waited for too long."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.datafolder import BASE_DIR
from config.probing import answers, free_port
from config.web_worker import PROBES, Refusing, refuse, waited
from tests.waiting import wait_until

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


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A gunicorn with one process and few threads."""
    (tmp_path / "slow.py").write_text(APPLICATION)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "slow:application", "--bind", f"127.0.0.1:{port}", "--threads"]
    command += [str(THREADS), "--worker-class", "config.web_worker.ProbeThreadWorker", "--no-control-socket"]
    environment = {"PYTHONPATH": f"{BASE_DIR}:{tmp_path}", "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as gunicorn:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/livez"), message="gunicorn answers")
            yield port
        finally:
            (tmp_path / "gate").touch()
            gunicorn.terminate()


def get(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    return connection.getresponse().status


def test_probes_are_answered_while_all_threads_wait(port: int, tmp_path: Path) -> None:
    with ThreadPoolExecutor(10) as threads:
        slow = [threads.submit(get, port, "/api/reports") for _ in range(10)]
        wait_until(lambda: len(list(tmp_path.glob("came-*"))) == THREADS)
        for path in ("/livez", "/livez?verbose=1"):
            assert get(port, path) == 200
        assert not any(one.done() for one in slow)
        (tmp_path / "gate").touch()
        assert [one.result() for one in slow] == [200] * 10, "who waits is answered in the end"


def test_a_probe_may_follow_on_a_connection_that_is_kept(port: int, tmp_path: Path) -> None:
    kept = HTTPConnection("127.0.0.1", port, timeout=20)
    with ThreadPoolExecutor(THREADS) as threads:
        slow = [threads.submit(get, port, "/") for _ in range(THREADS)]
        wait_until(lambda: len(list(tmp_path.glob("came-*"))) == THREADS)
        for _ in range(3):
            kept.request("GET", "/livez")
            assert kept.getresponse().read() == b"ok"
        (tmp_path / "gate").touch()
        assert [one.result() for one in slow] == [200] * THREADS


def test_connections_that_send_nothing_hold_no_thread(port: int, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * THREADS + 4)]
    began = time.monotonic()
    assert [get(port, path) for path in ("/", "/livez")] == [200, 200]
    assert time.monotonic() - began < 4, "gunicorn itself would wait 5 seconds for each of them"
    for connection in idle:
        connection.close()


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


def test_what_a_probe_begins_with() -> None:
    assert b"GET /livez HTTP/1.1".startswith(PROBES)
    assert not b"GET /livezoo HTTP/1.1".startswith(PROBES)
    assert not b"POST /livez HTTP/1.1".startswith(PROBES)
