"""From a target to a connection: resolve its name, check the addresses, connect to one of those, shake hands."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from functools import cache
from typing import Any

from jobs.outbound.addresses import is_allowed
from jobs.outbound.cutoff import Cutoff
from jobs.outbound.errors import (
    ForbiddenAddressError,
    NotConnectedError,
    TLSFailedError,
    UnansweredError,
    UnresolvableError,
)
from jobs.outbound.resolving import resolve
from jobs.outbound.targets import Target

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

#: A family, and the address for `connect`.
Address = tuple[socket.AddressFamily, Any]


def connect(target: Target, *, cutoff: Cutoff, timeout_seconds: float) -> socket.socket:
    """A connection to the target, over TLS if its URL says so. `cutoff` guards it until the caller releases it.

    The name is resolved once, and the address that was checked is the one that is connected to. Raises UnansweredError:
    nothing was sent.
    """
    until = time.monotonic() + timeout_seconds
    try:
        sock = _connect_to_any(addresses_of(target, cutoff=cutoff, until=until), cutoff=cutoff, until=until)
        return _shake_hands(sock, target.host, cutoff=cutoff) if target.secure else sock
    except OSError as error:
        cutoff.release()
        if cutoff.is_over:
            raise cutoff.error(target.host, sent=False) from None
        raise _described(error, target.host, timeout_seconds=timeout_seconds) from None


def addresses_of(target: Target, *, cutoff: Cutoff, until: float) -> list[Address]:
    """All addresses that may be connected to, in the order of the system. Raises OSError or ForbiddenAddressError."""
    try:
        literal = ipaddress.ip_address(target.host)
    except ValueError:
        found = resolve(target.host, cutoff=cutoff, until=until)
        all_of_them = [(family, (address[0], target.port, *address[2:])) for family, _, _, _, address in found]
    else:
        all_of_them = [(FAMILIES[literal.version], (target.host, target.port))]
    allowed = [
        (family, address)
        for family, address in all_of_them
        if family in FAMILIES.values() and (target.trusted or is_allowed(ipaddress.ip_address(address[0])))
    ]
    if not allowed:
        raise ForbiddenAddressError(target.host)
    return allowed


@cache
def tls_context() -> ssl.SSLContext:
    """Verifies certificates with the authorities of the system, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()


def _connect_to_any(addresses: list[Address], *, cutoff: Cutoff, until: float) -> socket.socket:
    """Connect to the first address that accepts. Each gets its share of the time that is left."""
    failure = OSError()
    for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            cutoff.guard(sock)
            sock.settimeout(cutoff.seconds_left(until) / left)
            sock.connect(address)
            sock.settimeout(cutoff.seconds_left())
        except OSError as error:
            failure = error
            cutoff.release()
            sock.close()
        else:
            return sock
        if cutoff.has_ended:
            break
    raise failure


def _shake_hands(plain: socket.socket, host: str, *, cutoff: Cutoff) -> ssl.SSLSocket:
    """Wrap a connection in TLS. The server has until the deadline, because it has accepted the connection."""
    # A body that ends where the connection ends is whole only if the server said so, so an end without it is an error.
    sock = tls_context().wrap_socket(
        plain, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
    try:
        cutoff.guard(sock)
        sock.settimeout(cutoff.seconds_left())
        sock.do_handshake()
    except OSError:
        cutoff.release()
        sock.close()
        raise
    return sock


def _described(error: OSError, host: str, *, timeout_seconds: float) -> UnansweredError:
    """Our own message, because those of the libraries may quote the URL."""
    match error:
        case socket.gaierror():
            return UnresolvableError(host)
        case ssl.SSLCertVerificationError():
            return TLSFailedError(f"The certificate of {host} is not valid: {error.verify_message}")
        case ssl.SSLError():
            return TLSFailedError(f"TLS with {host} failed: {error.reason}")
        case ConnectionRefusedError():
            return NotConnectedError(f"{host} refused the connection.")
        case TimeoutError():
            return NotConnectedError(f"{host} did not accept a connection within {timeout_seconds:g} seconds.")
        case ConnectionError():
            return NotConnectedError(f"{host} closed the connection without a response.")
    return NotConnectedError(f"{host} cannot be reached: {type(error).__name__}.")
