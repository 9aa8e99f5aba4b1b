"""The rules for URLs that requests are sent to. Names are not resolved here, so that no request waits for DNS."""

from __future__ import annotations

import ipaddress
import re
import socket
import zlib
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import idna
import re2
from django.conf import settings
from django.utils.translation import gettext_noop as _

from jobs.models.callbacks import LONGEST_URL
from jobs.outbound.addresses import Address, is_allowed

#: The number of types of deliveries. Users may name any number of receivers, and each waiting type makes it more
#: expensive to hand out jobs of a queue, so each receiver belongs to one of these buckets. The dial that limits a type
#: therefore limits each receiver, too, and a few busy receivers rarely share a bucket. Jobs store their type: if this
#: number changes, waiting deliveries keep the old one.
BUCKETS: Final = 64

ALL_BUCKETS: Final = tuple(f"hosts-{number:02}" for number in range(BUCKETS))

DEFAULT_PORTS: Final = {"https": 443, "http": 80}

#: Not quoted in a path or query: what RFC 3986 allows there, and `%`, which begins what is already quoted.
_SAFE: Final = "%/:?#[]@!$&'()*+,;=-._~"
_BLANK_OR_CONTROL: Final = re.compile(r"[\s\x00-\x1f\x7f\\]")
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME: Final = re2.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: Names that mean this machine everywhere (RFC 6761 section 6.3).
_LOOPBACK: Final = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


class InvalidCallbackURLError(ValueError):
    """The message is meant for the person who sent the URL."""


class ForbiddenURLError(InvalidCallbackURLError):
    """The host of the URL is an address to which requests are not allowed."""


def canonical_url(text: str, *, trusted: bool = False, longest: int = LONGEST_URL) -> str:
    """The URL as it is stored and sent: in ASCII, with the host in lower case. Raises InvalidCallbackURLError.

    It must be absolute, have the scheme `https` (or `http` if CALLBACK_ALLOW_HTTP is on) and one of
    CALLBACK_ALLOWED_PORTS, and no user, password, fragment or forbidden address. A URL that is `trusted`, because our
    own code names its host, may have the scheme `http`, any port and any address.
    """
    parts, port = _split(text, longest=longest)
    if parts.scheme == "http" and not (trusted or settings.CALLBACK_ALLOW_HTTP):
        raise InvalidCallbackURLError(_("It must begin with https://."))
    if "@" in parts.netloc:
        raise InvalidCallbackURLError(_("It must not contain a user name or password."))
    if "#" in text:
        raise InvalidCallbackURLError(_("It must not contain a fragment."))
    host = _canonical_host(parts.hostname or "", bracketed=parts.netloc.startswith("["))
    if not trusted:
        _check_allowed(host, port_of(parts))
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port else ""
    try:
        path, query = quote(parts.path or "/", safe=_SAFE), quote(parts.query, safe=_SAFE)
    except UnicodeEncodeError:
        raise InvalidCallbackURLError(_("It contains an unpaired surrogate.")) from None
    url = f"{parts.scheme}://{netloc}{path}" + (f"?{query}" if query else "")
    if len(url) > longest:
        raise InvalidCallbackURLError(f"It is longer than {longest} characters when written in ASCII.")
    return url


def host_of(url: str) -> str:
    """The host of a canonical URL, without its port. Staff search by it."""
    return urlsplit(url).hostname or ""


def receiver_of(url: str) -> str:
    """The host and port of a canonical URL: `example.com:443`, `[2001:db8::1]:8443`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"[{host}]:{port_of(parts)}" if ":" in host else f"{host}:{port_of(parts)}"


def port_of(parts: SplitResult) -> int:
    """The port to connect to."""
    return parts.port or DEFAULT_PORTS[parts.scheme]


def bucket_of(url: str) -> str:
    """The type of a delivery to a canonical URL, such as `hosts-07`: the same for all deliveries to one receiver."""
    return ALL_BUCKETS[zlib.crc32(receiver_of(url).encode()) % BUCKETS]


def _check_allowed(host: str, port: int) -> None:
    if settings.CALLBACK_ALLOWED_PORTS and port not in settings.CALLBACK_ALLOWED_PORTS:
        raise InvalidCallbackURLError(_("Callbacks are not sent to this port."))
    if (addresses := _addresses_in(host)) and not any(map(is_allowed, addresses)):
        raise ForbiddenURLError(_("Callbacks are not sent to this address."))


def _split(text: str, *, longest: int) -> tuple[SplitResult, int | None]:
    """The parts of an absolute URL, and its port if it names one."""
    if len(text) > longest:
        raise InvalidCallbackURLError(f"It is longer than {longest} characters.")
    if _BLANK_OR_CONTROL.search(text):
        raise InvalidCallbackURLError(_("It must not contain spaces, backslashes or control characters."))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidCallbackURLError(_("It is not a valid URL.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidCallbackURLError(_("It must be an absolute URL that begins with https://."))
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidCallbackURLError(_("Its port is not valid."))
    return parts, port


@lru_cache(maxsize=1024)
def _canonical_host(host: str, *, bracketed: bool) -> str:
    if bracketed:
        try:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else _refuse_host()
        except ValueError:
            return _refuse_host()
    try:
        host = idna.encode(host, uts46=True).decode() if not host.isascii() else host
    except (idna.IDNAError, UnicodeError):
        _refuse_host()
    host = host.lower().removesuffix(".")
    return host if len(host) <= 253 and _HOST_NAME.fullmatch(host) else _refuse_host()


def _refuse_host() -> str:
    raise InvalidCallbackURLError(_("Its host is not a valid name or address."))


def _addresses_in(host: str) -> tuple[Address, ...]:
    """The addresses that a host names without DNS, in any spelling that `connect` accepts (127.1, 0x7f.1)."""
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    if ":" in host:
        return (ipaddress.IPv6Address(host),)
    try:
        return (ipaddress.IPv4Address(socket.inet_aton(host)),)
    except OSError:
        return ()
