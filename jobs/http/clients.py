"""Whether it makes sense to let a client wait for its answer.

A view cannot tell whether its client is still there, and whether the web server is stopping. Our web server therefore
puts an object with the method of `WaitingClient` into the environment (`config.arriving`). Under any other server, the
client counts as waiting.
"""

from __future__ import annotations

from typing import Final, Protocol, cast

from django.http import HttpRequest

#: The key in the WSGI environment.
KEY: Final = "longhaul.client"


class WaitingClient(Protocol):
    """The client of a request whose body has been read."""

    def may_wait(self) -> bool:
        """False once the client has closed its connection, or the web server is stopping."""


def may_wait(request: HttpRequest) -> bool:
    """Whether the client of this request may be kept waiting any longer."""
    client = cast("WaitingClient | None", request.META.get(KEY))
    return client is None or client.may_wait()
