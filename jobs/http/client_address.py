"""The client address of a request: that of the connection, or the one that a trusted proxy reports.

Any client can send `X-Forwarded-For`, so it counts only on connections from TRUSTED_PROXIES. It is read from the last
hop backward, as long as the hops are such proxies.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: In TRUSTED_PROXIES, stands for connections over a Unix socket, which have no address.
UNIX: Final = "unix"
#: Headers that only a proxy may set. Keys of `request.META`.
OF_PROXIES: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


def resolve_client_address(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: set `REMOTE_ADDR` to the client's address, and drop proxy headers from any other sender.

    Without TRUSTED_PROXIES it does nothing, so `X-Forwarded-Proto` still works where only a proxy can connect.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if trusted := tuple(settings.TRUSTED_PROXIES):
            networks, peer = trusted_proxies(trusted), request.META.get("REMOTE_ADDR", "")
            if (not peer and UNIX in trusted) or is_trusted(parse_address(peer), networks):
                forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
                hops = [*forwarded, peer] if peer else forwarded
                request.META["REMOTE_ADDR"] = client_address(hops, networks)
            else:
                for name in OF_PROXIES:
                    request.META.pop(name, None)
        return get_response(request)

    return middleware


@cache
def trusted_proxies(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The texts except UNIX as networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts if text != UNIX)


def client_address(hops: Sequence[str], networks: Sequence[Network]) -> str:
    """The last hop that is not a trusted proxy; if all are, or one is not an address, the farthest known hop."""
    known = ""
    for hop in reversed(hops):
        if (address := parse_address(hop)) is None:
            break
        known = str(address)
        if not is_trusted(address, networks):
            break
    return known


def parse_address(text: str) -> Address | None:
    """Parse an address with or without a port: `192.0.2.1:443`, `[2001:db8::1]:443`. Mapped IPv4 becomes IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: Address | None, networks: Sequence[Network]) -> bool:
    """Whether the address belongs to a trusted proxy."""
    return address is not None and any(address in network for network in networks)
