"""Redirects of calls. Each hop is checked like a new URL, and carries less when it leaves the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

from jobs.outbound.errors import ForbiddenAddressError, RedirectRefusedError
from jobs.outbound.targets import Target
from jobs.outbound.urls import DEFAULT_PORTS, ForbiddenURLError, InvalidCallbackURLError

#: Redirects of one request.
MAX_REDIRECTS: Final = 5
STATUSES: Final = frozenset({301, 302, 303, 307, 308})
#: Methods that may be sent again, elsewhere: a POST might be carried out by both servers, or turn into a GET.
METHODS: Final = frozenset({"GET", "HEAD"})
#: What another host may see, in lower case. All else stays: not only `Authorization` and `Cookie` are secrets, but also
#: headers such as `X-Api-Key`, whose names are not known here.
CARRIED: Final = frozenset({"accept", "accept-language", "range", "user-agent"})


def next_target(target: Target, location: str, *, is_trusted: Callable[[str], bool]) -> Target:
    """Where a redirect leads. Raises RedirectRefusedError or ForbiddenAddressError.

    The same host stays trusted, also when it turns from http to https. Another host, or another port, is trusted if
    `is_trusted` says so of its `host:port`.
    """
    try:
        url = urldefrag(urljoin(target.url, location.encode("latin-1").decode("utf-8", "replace"))).url
        following = Target.checked(url, trusted=True)
        if target.secure and not following.secure:
            raise RedirectRefusedError(f"{target.host} redirected from https to http.")
        if (target.trusted and is_same_host(target, following)) or is_trusted(following.receiver):
            return following
        return Target.checked(url, trusted=False)
    except ForbiddenURLError:
        raise ForbiddenAddressError(urlsplit(url).hostname or "") from None
    except ValueError as error:
        reason = f": {error}" if isinstance(error, InvalidCallbackURLError) else "."
        raise RedirectRefusedError(f"{target.host} redirected to a URL that is not allowed{reason}") from None


def is_same_host(before: Target, after: Target) -> bool:
    """Whether both are the same server: scheme, host and port, or the same host behind https instead of http."""
    same = (before.secure, before.port) == (after.secure, after.port)
    upgraded = (before.port, after.port) == (DEFAULT_PORTS["http"], DEFAULT_PORTS["https"]) and after.secure
    return before.host == after.host and (same or upgraded)


def carried_headers(headers: Mapping[str, str], before: Target, after: Target) -> dict[str, str]:
    """The headers of a request that the next hop gets."""
    stays = is_same_host(before, after)
    return {name: value for name, value in headers.items() if stays or name.lower() in CARRIED}
