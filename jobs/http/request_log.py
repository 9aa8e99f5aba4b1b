"""The log of requests: django-structlog's middleware, without what costs much and changes nothing."""

from __future__ import annotations

from functools import lru_cache

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from ipware import get_client_ip

#: Clients whose address is remembered.
CLIENTS: int = 4096


class RequestLogMiddleware(RequestMiddleware):
    """Binds the id, the user and the address of a request to all its lines, and logs a line once it is answered."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """The address, as `ipware` reads it from REMOTE_ADDR, which `jobs.http.client_address` has resolved."""
        structlog.contextvars.bind_contextvars(ip=_address(request.META.get("REMOTE_ADDR", "")))


@lru_cache(maxsize=CLIENTS)
def _address(remote: str) -> str | None:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = remote
    address: str | None = get_client_ip(request)[0]
    return address
