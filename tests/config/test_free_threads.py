"""Threads that only probes may have."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from config.free_threads import FREE, Environ, FreeThreads
from tests.waiting import wait_until

PLACES = 2


class Slow:
    """An application whose requests take as long as they are told to."""

    def __init__(self) -> None:
        self.inside = 0
        self.goes_on = threading.Event()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        self.inside += 1
        if environ["PATH_INFO"] != "/livez":
            self.goes_on.wait(20)
        start_response("200 OK", [])
        return [b"ok"]


class Server:
    """Calls the application as gunicorn does."""

    def __init__(self) -> None:
        self.slow = Slow()
        self.application = FreeThreads(self.slow, threads=PLACES + FREE, wait_seconds=0.1)

    def ask(self, path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
        answers: list[tuple[str, dict[str, str]]] = []
        environ: Environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
        body = b"".join(self.application(environ, lambda status, headers: answers.append((status, dict(headers)))))
        self.application.leave(environ)
        [(status, headers)] = answers
        return status, headers, body


def test_probes_are_answered_while_all_others_wait() -> None:
    server = Server()
    with ThreadPoolExecutor(PLACES) as threads:
        waiting = [threads.submit(server.ask, "/api/reports") for _ in range(PLACES)]
        wait_until(lambda: server.slow.inside == PLACES)
        assert server.ask("/livez")[0] == "200 OK"
        for _ in range(3):
            status, headers, body = server.ask("/api/reports")
            assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "2")
            assert headers["Content-Type"] == "application/problem+json"
            assert json.loads(body)["code"] == "server-busy"
        assert server.slow.inside == PLACES + 1, "what is refused does not reach the application"
        server.slow.goes_on.set()
        assert [one.result()[0] for one in waiting] == ["200 OK"] * PLACES
    assert server.ask("/api/reports")[0] == "200 OK"


def test_a_request_waits_a_little_for_a_place() -> None:
    server = Server()
    server.application._wait_seconds = 20
    with ThreadPoolExecutor(PLACES + 1) as threads:
        asked = [threads.submit(server.ask, "/") for _ in range(PLACES + 1)]
        wait_until(lambda: server.slow.inside == PLACES)
        server.slow.goes_on.set()
        assert [one.result()[0] for one in asked] == ["200 OK"] * (PLACES + 1)


def test_a_page_is_told_in_html_and_a_head_request_nothing() -> None:
    server = Server()
    with ThreadPoolExecutor(PLACES) as threads:
        for _ in range(PLACES):
            threads.submit(server.ask, "/")
        wait_until(lambda: server.slow.inside == PLACES)
        _, headers, body = server.ask("/")
        assert headers["Content-Type"].startswith("text/html")
        assert b"<h1>Server busy</h1>" in body
        assert int(headers["Content-Length"]) == len(body)
        assert server.ask("/", "HEAD")[2] == b""
        server.slow.goes_on.set()
