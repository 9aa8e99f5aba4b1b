"""Receivers of callbacks that behave badly, in a process of their own: `python -m bench.receivers PORT`.

Each listens on a loopback address of its own, so each is a host of its own to Longhaul. The process writes its port as
a line once all listen, and ends with its standard input. It imports the standard library only.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast

#: Address → what it does to a request. The first three hold it for ten seconds and more.
HOSTS: Final = {
    "127.0.0.2": "slow", "127.0.0.3": "hang", "127.0.0.4": "drip", "127.0.0.5": "redirect", "127.0.0.6": "fail"
}  # fmt: skip
HOLDING: Final = 3
SLOW_SECONDS: Final = 10.0
DRIP_SECONDS: Final = 0.1


class Receiver(BaseHTTPRequestHandler):
    """Behaves as its address says."""

    def do_POST(self) -> None:
        """Read the message, then let its sender wait."""
        self.rfile.read(int(self.headers["Content-Length"]))
        with suppress(OSError):
            match HOSTS[cast("tuple[str, int]", self.server.server_address)[0]]:
                case "slow":
                    time.sleep(SLOW_SECONDS)
                    self.answer(200)
                case "hang":
                    threading.Event().wait()
                case "drip":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                    self.drip()
                case "redirect":
                    self.answer(302, Location="http://169.254.169.254/latest/meta-data/")
                case _:
                    self.answer(500)

    def answer(self, status: int, **headers: str) -> None:
        """Without a body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def drip(self) -> None:
        """A byte now and then, without end."""
        while True:
            self.wfile.write(b"x")
            time.sleep(DRIP_SECONDS)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Its threads end with the process."""

    daemon_threads = True


def main() -> None:
    """Serve until the standard input ends."""
    port = int(sys.argv[1])
    for host in HOSTS:
        server = Server((host, port), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
