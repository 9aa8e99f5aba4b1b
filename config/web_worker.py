"""gunicorn's worker: probes have threads of their own, and a request that has waited too long is refused.

gunicorn reads a request in the thread that answers it, so a probe would wait behind all earlier requests. This worker
peeks at the first bytes as they arrive, and a complete request for a probe goes to a pool of its own. That requires
plain HTTP: a proxy in front terminates TLS.

The main thread, which accepts and sorts requests, waits for no client. gunicorn's own main thread waits up to two
seconds for the client whenever it closes a connection.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from socket import MSG_PEEK, SHUT_WR
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker

from config.arriving import Application, Arriving, Environ, StartResponse

#: Threads per process in `make up` and the image, besides those for probes.
THREADS: Final = 8
PROBE_THREADS: Final = 2
#: The paths of probes, as in `jobs.api.health`.
PROBES: Final = ("/livez", "/readyz")
#: The request line of a probe, and the fields that announce a body.
PROBE_LINE: Final = re.compile(rb"(?:GET|HEAD) (?:%s)(?:\?[^ ]*)? HTTP/1\.[01]" % "|".join(PROBES).encode())
BODY_FIELDS: Final = (b"content-length", b"transfer-encoding")
#: How much of a request is peeked at, and how much is read at once to be thrown away.
PIECE_BYTES: Final = 8192
#: While PostgreSQL is away, a request that has waited this long for a thread is refused, because it would wait again
#: for PostgreSQL and exceed its time. Seconds.
SHORT_WAIT: Final = 0.2
#: When the client may retry. Seconds.
RETRY_AFTER: Final = 2
DETAIL: Final = "The server is busy with other requests. Send the request again later."


class _Waited(threading.local):
    """How long the current request waited for its thread. Seconds."""

    seconds = 0.0


waited = _Waited()


class ProbeThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """`--worker-class config.web_worker.ProbeThreadWorker`."""

    def init_process(self) -> None:
        """Called in the new process."""
        self.probe_threads = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Called by the main thread for each request; another thread is to read it."""
        begin = first_bytes(conn)
        if begin is None:
            self._wait_for(conn, self.on_pending_socket_readable)
            return
        conn.enqueued_at = time.monotonic()
        pool = self.probe_threads if is_probe(begin) else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: TConn) -> Any:
        """Called by the thread that answers."""
        waited.seconds = time.monotonic() - conn.enqueued_at
        return super().handle(conn)

    def finish_request(self, conn: TConn, done: Future[Any]) -> None:
        """Called by the main thread after each request."""
        if not done.exception() and done.result():
            super().finish_request(conn, done)
            return
        with suppress(OSError):  # the client may be gone
            conn.sock.shutdown(SHUT_WR)
            self._wait_for(conn, self._drain)
            return
        self._close(conn)

    def _wait_for(self, conn: TConn, on_readable: Callable[[TConn, Any], None]) -> None:
        """Wait without a thread. The connection is closed after `keepalive` seconds, like one that is kept alive."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(on_readable, conn))

    def _drain(self, conn: TConn, sock: Any) -> None:
        """Read until the client closes. If it still sends, a reset destroys the response (RFC 9112 section 9.6)."""
        with suppress(OSError):
            if sock.recv(PIECE_BYTES):
                return
        self.poller.unregister(sock)
        self.pending_conns.remove(conn)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()


def first_bytes(conn: TConn) -> bytes | None:
    """Peek at a request. None if nothing has arrived yet; empty if peeking is impossible or the client is gone."""
    if conn.is_http2 or (conn.parser is not None and conn.parser.unreader.buf.getvalue()):
        return b""
    conn.sock.setblocking(False)
    try:
        return bytes(conn.sock.recv(PIECE_BYTES, MSG_PEEK))
    except BlockingIOError:
        return None
    except OSError:  # the thread that reads the request gets this error again
        return b""


def is_probe(begin: bytes) -> bool:
    """Whether this is a complete request for a probe, without a body, so that reading it does not block."""
    head, end, more = begin.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    return bool(end and not more and PROBE_LINE.fullmatch(first)) and not any(
        field.lower().startswith(BODY_FIELDS) for field in fields
    )


class Refusing:
    """A WSGI application that wraps another one and answers 503 to requests that have waited too long for a thread.

    A request may wait `longest_seconds`; `is_away` says whether PostgreSQL is away at the moment.
    """

    def __init__(self, application: Application, *, longest_seconds: float, is_away: Callable[[], bool]) -> None:
        self._application = application
        self._longest_seconds = longest_seconds
        self._is_away = is_away

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer or refuse. Probes are never refused, because a refused probe counts as failed."""
        if environ.get("PATH_INFO") not in PROBES and (
            waited.seconds > self._longest_seconds or (waited.seconds > SHORT_WAIT and self._is_away())
        ):
            return refuse(environ, start_response)
        return self._application(environ, start_response)


def guarded(
    application: Application,
    *,
    longest_seconds: float,
    is_away: Callable[[], bool],
    is_stopping: Callable[[], bool] = lambda: False,
) -> Application:
    """The application as gunicorn calls it. A refused request, too, ends without waiting for its body."""
    refusing = Refusing(application, longest_seconds=longest_seconds, is_away=is_away)
    return Arriving(refusing, is_stopping=is_stopping)


def refuse(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer 503: a problem document in the API, a short page elsewhere."""
    from jobs.http.problems import problem_body  # gunicorn imports this module before settings can be loaded

    if environ.get("PATH_INFO", "").startswith("/api/"):
        kind = "application/problem+json"
        body = json.dumps(problem_body(503, "server-busy", DETAIL)).encode()
    else:
        kind = "text/html; charset=utf-8"
        body = f'<!DOCTYPE html><html lang="en"><title>Server busy</title><h1>Server busy</h1><p>{DETAIL}</p>'.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Retry-After", str(RETRY_AFTER))]
    start_response("503 Service Unavailable", [*headers, ("Cache-Control", "no-store")])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
