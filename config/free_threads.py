"""A few threads of each web process stay free for probes, whatever the other requests wait for.

A request that is no probe holds a place until its response has been sent. There are fewer places than threads. Where
none becomes free in time, requests are answered with 503 at once, until one does: a thread that waits for a place is
one that no probe can have.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Threads of each process that only probes may have.
FREE: Final = 2
#: Threads of each process that `make up` and the image start.
THREADS: Final = 8 + FREE
PROBES: Final = frozenset({"/livez", "/readyz"})
#: How long a request waits for a place. A probe waits no longer than this for a thread. Seconds.
WAIT_SECONDS: Final = 0.5
#: After how long to come back. Seconds.
RETRY_AFTER: Final = 2
DETAIL: Final = "The server is busy with other requests. Send the request again later."
#: Marks the request that holds a place.
HELD: Final = "longhaul.holds_a_place"


class FreeThreads:
    """A WSGI application around another one, in a server with so many `threads` a process.

    The server calls `leave` after each request.
    """

    def __init__(self, application: Application, *, threads: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._application = application
        self._wait_seconds = wait_seconds
        self._places = max(1, threads - FREE)
        self._is_overloaded = False
        self._condition = threading.Condition()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or refuse."""
        if environ.get("PATH_INFO") in PROBES:
            return self._application(environ, start_response)
        if not self._enter():
            return refuse(environ, start_response)
        environ[HELD] = True
        return self._application(environ, start_response)

    def _enter(self) -> bool:
        with self._condition:
            if not self._places:
                if self._is_overloaded:
                    return False
                if not self._condition.wait_for(lambda: self._places, timeout=self._wait_seconds):
                    self._is_overloaded = True
                    return False
            self._places -= 1
            return True

    def leave(self, environ: Environ) -> None:
        """The response has been sent, or never will be."""
        if environ.pop(HELD, False):
            with self._condition:
                self._places += 1
                self._is_overloaded = False
                self._condition.notify()


def refuse(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """503: a problem for the API, else a short page."""
    from jobs.api.problems import problem_body  # gunicorn reads this module before there are settings

    if environ.get("PATH_INFO", "").startswith("/api/"):
        kind = "application/problem+json"
        body = json.dumps(problem_body(503, "server-busy", DETAIL)).encode()
    else:
        kind = "text/html; charset=utf-8"
        body = f'<!DOCTYPE html><html lang="en"><title>Server busy</title><h1>Server busy</h1><p>{DETAIL}</p>'.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Retry-After", str(RETRY_AFTER))]
    start_response("503 Service Unavailable", [*headers, ("Cache-Control", "no-store")])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
