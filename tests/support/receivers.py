"""Receivers of callbacks and calls on loopback, in the test's own process: one path for each way to behave."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

#: Between two bytes of a receiver that drips. Seconds.
DRIP_SECONDS: Final = 0.05
#: What an endless body consists of.
BLOCK: Final = bytes(1_000_000)
#: `SO_LINGER`: closing the connection resets it.
RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


@dataclass
class Receiver:
    """Answers as its paths say: `/ok`, `/status/503`, `/slow/0.3`, `/hang`, `/drip`, `/drip-body`, `/garbage`, …

    `/raw` writes `raw` and closes the connection.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    #: Headers of each answer.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    status: int = 204
    #: What is written before each answer.
    interim: list[str] = field(default_factory=list)
    raw: bytes = b""
    #: How many bytes of an endless body were written.
    written: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/ok", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Reads the request, remembers it, and behaves as its path says."""

    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if self.path == "/early":  # the body is not read, and the connection not closed while it comes
            self.wfile.write(self.receiver.raw)
            self.connection.shutdown(socket.SHUT_WR)
            self.receiver.ended.wait()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.receiver.received.append(Received(self.path, dict(self.headers.items()), body, self.command))
        _, way, *rest = self.path.partition("?")[0].split("/")
        act: Callable[..., None] = getattr(self, f"act_{way.replace('-', '_')}")
        with suppress(OSError):
            act(*rest)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_PUT = do_POST

    def act_ok(self) -> None:
        self.answer(self.receiver.status)

    def act_status(self, status: str) -> None:
        self.answer(int(status))

    def act_mends(self) -> None:
        """Fails seven times."""
        self.answer(500 if len(self.receiver.received) <= 7 else 204)

    def act_slow(self, seconds: str) -> None:
        self.receiver.ended.wait(float(seconds))
        self.answer(200)

    def act_hang(self) -> None:
        self.receiver.ended.wait()

    def act_hang_once(self) -> None:
        """Whoever comes again is answered."""
        self.act_hang() if len(self.receiver.received) == 1 else self.act_ok()

    def act_drip(self) -> None:
        """Headers without end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        self.drip()

    def act_drip_body(self) -> None:
        self.wfile.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000\r\n\r\n")
        self.drip()

    def act_drip_success(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        self.drip()

    def act_drip_unmeasured(self) -> None:
        """A body that ends with the connection."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.drip()

    def act_garbage(self) -> None:
        self.wfile.write(b"220 mail.example.com ESMTP\r\n")

    def act_raw(self) -> None:
        self.wfile.write(self.receiver.raw)
        self.close_connection = True

    def act_endless(self, framing: str) -> None:
        """A body of 10 GB: `length` announces it, `chunked` sends it in chunks, `close` ends it with the connection."""
        ways = {"length": "Content-Length: 10000000000\r\n", "chunked": "Transfer-Encoding: chunked\r\n", "close": ""}
        self.wfile.write(f"HTTP/1.1 200 OK\r\n{ways[framing]}\r\n".encode())
        block = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if framing == "chunked" else BLOCK
        for _ in range(10_000):
            self.wfile.write(block)
            self.receiver.written += len(block)

    def act_flood(self) -> None:
        """Interim responses without end."""
        while not self.receiver.ended.is_set():
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100)

    def act_headers(self) -> None:
        """Headers without end, as fast as they are read."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.receiver.ended.is_set():
            self.wfile.write(b"X: %b\r\n" % bytes(10_000).replace(b"\0", b"x"))

    def act_trailers(self) -> None:
        """A body that has ended, with trailers without end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        while not self.receiver.ended.is_set():
            self.wfile.write(b"X: %b\r\n" % bytes(10_000).replace(b"\0", b"x"))

    def act_reset(self, *what: str) -> None:
        """Resets the connection: at once, or after `headers`, or within the `body`."""
        if what:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" + (b"\r\nhalf" if what == ("body",) else b"")
            )
            self.receiver.ended.wait(DRIP_SECONDS)  # so that it arrives: a reset overtakes what was not read
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()
        self.close_connection = True

    def act_hops(self, left: str) -> None:
        """Redirects to itself, so many times."""
        if left == "0":
            return self.act_ok()
        self.receiver.headers["Location"] = f"/hops/{int(left) - 1}"
        return self.answer(302)

    def act_close(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def drip(self) -> None:
        while not self.receiver.ended.is_set():
            self.wfile.write(b"x")
            time.sleep(DRIP_SECONDS)

    def answer(self, status: int) -> None:
        self.wfile.write("".join(self.receiver.interim).encode())
        self.send_response(status)
        for name, value in self.receiver.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.receiver.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.receiver.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Its threads end with the receiver."""

    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As always, in a thread that tests know by its name."""
        threading.current_thread().name = "receiving"
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what these tests are about."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"receiver": receiver}))
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
