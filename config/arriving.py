"""Lets views read what has arrived of a request body, and see whether its client may be kept waiting.

It knows how gunicorn reads a body; see `jobs.http.arriving` and `jobs.http.clients`.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from typing import Any, Final

KEY: Final = "longhaul.arriving"
CLIENT_KEY: Final = "longhaul.client"
#: The client has closed its side, or the connection is broken. Only Linux tells the former apart from data to read.
CLOSED: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class GunicornBody:
    """The body of a request with Content-Length over a plain socket."""

    def __init__(self, reader: Any, socket: Any) -> None:
        self._reader = reader  # gunicorn's LengthReader, whose `length` is what is left
        self._socket = socket

    def read_arrived(self, size: int, *, seconds: float) -> bytes | None:
        """Bytes that gunicorn has read ahead, else those that one `recv` returns."""
        size = min(size, self._reader.length)
        if not size:
            return b""
        data: bytes = self._reader.unreader.take_buffered()
        if not data:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            if not poll.poll(1000 * seconds):
                return None
            data = self._socket.recv(size)
            if not data:
                raise EOFError(f"{self._reader.length} bytes are missing")
        if rest := data[size:]:
            self._reader.unreader.unread(rest)
        self._reader.length -= min(size, len(data))
        return data[:size]


class GunicornClient:
    """The client at the other end of a socket."""

    def __init__(self, socket: Any, is_stopping: Callable[[], bool]) -> None:
        self._socket = socket
        self._is_stopping = is_stopping

    def may_wait(self) -> bool:
        """Whether it is still there, and the server is not stopping. Reads nothing, so a next request may follow."""
        if self._is_stopping():
            return False
        poll = select.poll()
        poll.register(self._socket, CLOSED)
        return not poll.poll(0)


class Arriving:
    """A WSGI application that wraps another one: it adds the body as it arrives, and never waits for an unread one.

    Otherwise gunicorn would read what the application left, in the thread that answered, for up to five seconds. A
    stopping server closes each connection: it would wait for the next request on one that it keeps.
    """

    def __init__(self, application: Application, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self._application = application
        self._is_stopping = is_stopping

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Other kinds of bodies, such as those of HTTP/2, are left to gunicorn."""
        reader = getattr(environ["wsgi.input"], "reader", None)
        if hasattr(reader, "length"):
            environ[KEY] = GunicornBody(reader, environ["gunicorn.socket"])
        if "gunicorn.socket" in environ:
            environ[CLIENT_KEY] = GunicornClient(environ["gunicorn.socket"], self._is_stopping)
        response = self._application(environ, start_response)
        is_last = self._is_stopping() or _is_awaited(reader)
        if is_last and (of_gunicorn := getattr(start_response, "__self__", None)) is not None:
            of_gunicorn.force_close()
        return response


def _is_awaited(reader: Any) -> bool:
    """Whether a part of the body is neither read nor here. A chunked body says so until it ends."""
    if hasattr(reader, "length"):
        return bool(reader.length > reader.unreader.buf.getbuffer().nbytes)
    return getattr(reader, "parser", None) is not None
