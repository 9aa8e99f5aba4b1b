"""A request body as it arrives.

WSGI's `read(n)` waits until all n bytes are there, so a view cannot tell a slow client from a silent one. Our web
server therefore puts an object with the method of `ArrivingBody` into the environment (`config.arriving`). Under any
other server, a read waits.
"""

from __future__ import annotations

from typing import Final, Protocol, cast

from django.http import HttpRequest

#: The key in the WSGI environment.
KEY: Final = "longhaul.arriving"


class ArrivingBody(Protocol):
    """The body of a request with Content-Length."""

    def read_arrived(self, size: int, *, seconds: float) -> bytes | None:
        """The next bytes, at most `size`; None if none arrive within `seconds`; empty at the end of the body.

        Errors: EOFError or OSError if the client is gone before the end.
        """


class WaitingBody:
    """The body under a server that cannot tell what has arrived."""

    def __init__(self, request: HttpRequest, length: int) -> None:
        self._request = request
        self._left = length

    def read_arrived(self, size: int, *, seconds: float) -> bytes | None:
        """Waits for all bytes, for as long as the server does."""
        data = self._request.read(min(size, self._left))
        if not data and self._left:
            raise EOFError(f"{self._left} bytes are missing")
        self._left -= len(data)
        return data


def arriving_body(request: HttpRequest, *, length: int) -> ArrivingBody:
    """The body of a request; `length` is its Content-Length."""
    return cast("ArrivingBody", request.META.get(KEY) or WaitingBody(request, length))
