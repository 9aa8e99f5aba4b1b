"""Send one message to one receiver, within a deadline that nothing outlasts.

Made on the standard library's HTTP client, with sockets of our own (docs/adr/0008): the address is looked at and then
connected to, so a name cannot change in between; no proxy of the environment is asked; no redirect is followed; and
whatever blocks (a name server, a handshake, a receiver that drips bytes) ends with the deadline, or when somebody
calls `abort`.
"""

from __future__ import annotations

import http.client
import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils import timezone

from jobs.outbound.addresses import is_allowed
from jobs.outbound.urls import port_of

#: Bytes read of the body of an answer that is no success, for the staff, and how long they are waited for. Seconds.
LONGEST_EXCERPT: Final = 500
EXCERPT_SECONDS: Final = 1.0
#: Answers with a status of 1xx that are read over.
MOST_INTERIM: Final = 10


@dataclass(frozen=True)
class Answer:
    """What a receiver said. `retry_after_seconds` where it said when to come back; `excerpt` of its body."""

    status: int
    retry_after_seconds: float | None = None
    excerpt: str = ""

    @property
    def phrase(self) -> str:
        """`404 Not Found`; the number alone where it is no known one."""
        with suppress(ValueError):
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return str(self.status)


class UnansweredError(Exception):
    """There was no answer; the text says why, and tells nothing of the URL but its host.

    It is for the staff; `public` is for the owner, and does not tell whether a name is known where we are.
    """

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or message


class ForbiddenAddressError(OSError):
    """The host has no address that something may be sent to."""


class FinalResponse(http.client.HTTPResponse):
    """The answer behind those that only say that it will come, such as `103 Early Hints` (RFC 9110 section 15.2)."""

    def begin(self) -> None:
        """Raises HTTPException where too many come before it. http.client itself reads over `100 Continue` only."""
        for _ in range(MOST_INTERIM):
            super().begin()
            if self.status >= HTTPStatus.OK or self.status == HTTPStatus.SWITCHING_PROTOCOLS:  # that one is an end
                return
            self.headers = None  # type: ignore[assignment]  # so it says that it has not begun
        raise http.client.HTTPException("no final answer")


class Exchange:
    """One POST. `abort` may be called from any thread, at any time."""

    def __init__(self, url: str, *, timeout_seconds: float, connect_timeout_seconds: float) -> None:
        """`url` is a canonical one."""
        self._parts = urlsplit(url)
        self.timeout_seconds = timeout_seconds
        self._connect_timeout_seconds = connect_timeout_seconds
        self._deadline = time.monotonic() + timeout_seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_connected = False
        self._ended = threading.Event()

    def abort(self) -> None:
        """End it now: what blocks fails at once."""
        with self._lock:
            self._ended.set()
            if self._socket is not None:
                _shut_down(self._socket)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send, and read what the receiver answers. Raises UnansweredError."""
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.response_class = FinalResponse
        try:
            with self._within_deadline():
                connection.sock = self._connected()
                target = self._parts.path + (f"?{self._parts.query}" if self._parts.query else "")
                fixed = {"Host": self._parts.netloc, "Accept-Encoding": "identity", "Connection": "close"}
                connection.request("POST", target, body, {**fixed, **headers})
                return self._read(connection)
        except (ForbiddenAddressError, socket.gaierror) as error:
            public = f"The name {self._host} does not resolve to an address that callbacks may be sent to."
            raise UnansweredError(self._explained(error), public=public) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnansweredError(self._explained(error)) from None
        finally:
            connection.close()
            self._keep(None)

    @property
    def _host(self) -> str:
        return self._parts.hostname or ""

    @property
    def _port(self) -> int:
        return port_of(self._parts)

    @contextmanager
    def _within_deadline(self) -> Iterator[None]:
        watchdog = threading.Timer(max(0.0, self._left()), self.abort)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _keep(self, sock: socket.socket | None) -> None:
        """Let `abort` know what blocks. Raises TimeoutError where it was called before."""
        with self._lock:
            self._socket = sock
            if sock is not None and self._ended.is_set():
                raise TimeoutError

    def _connected(self) -> socket.socket:
        """Over TLS where the URL says so, to the first of the addresses that takes a connection."""
        connect_until = min(self._deadline, time.monotonic() + self._connect_timeout_seconds)
        failure: OSError = OSError()
        for family, address in self._addresses(connect_until):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._keep(sock)
                sock.settimeout(_positive(connect_until - time.monotonic()))
                sock.connect(address)
                self._is_connected = True
                sock.settimeout(_positive(self._left()))
                return self._over_tls(sock) if self._parts.scheme == "https" else sock
            except OSError as error:
                failure = error
                sock.close()
            if self._ended.is_set():
                break
        raise failure

    def _over_tls(self, plain: socket.socket) -> ssl.SSLSocket:
        sock = tls_context().wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            self._keep(sock)
            sock.do_handshake()
        except OSError:
            sock.close()
            raise
        return sock

    def _addresses(self, until: float) -> list[tuple[socket.AddressFamily, Any]]:
        """Those that are allowed, of what the name resolves to now. Raises OSError, such as ForbiddenAddressError.

        A name server cannot be interrupted: it is asked by a thread that is not waited for.
        """
        found: list[Any] = []
        resolved = threading.Event()

        def ask() -> None:
            try:
                found.append(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                found.append(error)
            resolved.set()

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        while not resolved.wait(0.05) and not self._ended.is_set() and time.monotonic() < until:
            pass
        if not found:
            raise TimeoutError
        [result] = found
        if isinstance(result, UnicodeError):
            raise socket.gaierror
        if isinstance(result, OSError):
            raise result
        allowed = [
            (family, address)
            for family, _, _, _, address in result
            if family in (socket.AF_INET, socket.AF_INET6) and is_allowed(ipaddress.ip_address(address[0]))
        ]
        if not allowed:
            raise ForbiddenAddressError
        return allowed

    def _read(self, connection: http.client.HTTPConnection) -> Answer:
        with connection.getresponse() as response:
            if self._ended.is_set():  # its headers were cut off, which the parser takes for their end
                raise TimeoutError
            if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                return Answer(response.status)
            wait = retry_after_seconds(response.getheader("Retry-After"))
            return Answer(response.status, wait, self._excerpt(response))

    def _excerpt(self, response: http.client.HTTPResponse) -> str:
        with suppress(OSError, http.client.HTTPException, ValueError):
            if self._socket is not None:
                self._socket.settimeout(_positive(min(EXCERPT_SECONDS, self._left())))
            return _printable(response.read1(LONGEST_EXCERPT).decode(errors="replace"))
        return ""

    def _explained(self, error: Exception) -> str:
        """In words of ours: those of the libraries may quote the URL."""
        host = self._host
        if self._ended.is_set() or (self._is_connected and isinstance(error, TimeoutError)):
            return f"{host} did not answer within {self.timeout_seconds:g} seconds."
        match error:
            case socket.gaierror():
                return f"The name {host} does not resolve."
            case ForbiddenAddressError():
                return f"{host} has no address that callbacks may be sent to."
            case ssl.SSLCertVerificationError():
                return f"The certificate of {host} is not valid: {error.verify_message}"
            case ssl.SSLError():
                return f"TLS with {host} failed: {error.reason}"
            case ConnectionRefusedError():
                return f"{host} refused the connection."
            case TimeoutError():
                return f"{host} took no connection within {self._connect_timeout_seconds:g} seconds."
            case http.client.RemoteDisconnected() | ConnectionError():
                return f"{host} closed the connection without an answer."
            case http.client.HTTPException():
                return f"{host} answered with what is no HTTP."
        return f"{host} cannot be reached: {type(error).__name__}."


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds of a `Retry-After` (RFC 9110 section 10.2.3), which are a number or a date; None where it is neither."""
    if value is None:
        return None
    with suppress(ValueError, TypeError, OverflowError):
        if value.strip().isdecimal():
            return float(value) if math.isfinite(float(value)) else None
        at = parsedate_to_datetime(value)
        return max(0.0, (at - timezone.now()).total_seconds()) if at.tzinfo else None
    return None


@cache
def tls_context() -> ssl.SSLContext:
    """Certificates are verified by the system's authorities, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()


def _positive(seconds: float) -> float:
    """As a timeout of a socket, where 0 means not to wait at all. Raises TimeoutError where there is no time left."""
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _shut_down(sock: socket.socket) -> None:
    # Not the method of an SSLSocket, which would make the reader in another thread take ciphertext for text.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
