"""A remote host that counts: when requests arrive, and how many are in flight."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class CountingHost:
    """It answers GET after `seconds`, by `status` and `headers`, which a test may change."""

    port: int = 0
    seconds: float = 0.02
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    arrivals: list[float] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def key(self) -> str:
        """As `calls.hosts` names it."""
        return f"127.0.0.1:{self.port}"

    def most_within(self, seconds: float) -> int:
        """The most requests that arrived within any window of this length."""
        times = sorted(self.arrivals)
        return max((bisect_left(times, begin + seconds) - place for place, begin in enumerate(times)), default=0)


@contextmanager
def counting_host(**behavior: Any) -> Iterator[CountingHost]:
    """A host for the length of a block."""
    host = CountingHost(**behavior)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with host.lock:
                host.arrivals.append(time.monotonic())
                host.in_flight += 1
                host.most_in_flight = max(host.most_in_flight, host.in_flight)
            time.sleep(host.seconds)
            with host.lock:
                host.in_flight -= 1  # before the answer: the caller may send its next request at once
            self.send_response(host.status)
            for name, value in {"Content-Length": "0", **host.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    host.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
