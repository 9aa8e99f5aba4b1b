"""Sends one message to one receiver within a strict deadline.

It uses the standard library's HTTP client with its own sockets (docs/adr/0008): it connects to the address that it has
checked, so a name cannot change in between, uses no proxy of the environment and follows no redirect. Everything that
blocks (a name server, a handshake, a receiver that drips bytes) ends at the deadline, or when `abort` is called.
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

#: How much of the body of an unsuccessful response is read for the staff, and for how many seconds.
MAX_EXCERPT_BYTES: Final = 500
EXCERPT_SECONDS: Final = 1.0
#: 1xx responses that are skipped.
MAX_INTERIM_RESPONSES: Final = 10


@dataclass(frozen=True)
class Response:
    """The response of a receiver, with the delay that it asked for and an excerpt of its body."""

    status: int
    retry_after_seconds: float | None = None
    excerpt: str = ""

    @property
    def status_line(self) -> str:
        """`404 Not Found`; only the number if the status is unknown."""
        with suppress(ValueError):
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return str(self.status)


class UnansweredError(Exception):
    """There was no response. The text says why and reveals only the host of the URL.

    It is for the staff; `public` is for the owner and does not reveal whether our name servers know a name.
    """

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or message


class ForbiddenAddressError(OSError):
    """The host has no address to which requests are allowed."""


class FinalResponse(http.client.HTTPResponse):
    """The final response, after interim ones such as `103 Early Hints` (RFC 9110 section 15.2)."""

    def begin(self) -> None:
        """Raises HTTPException if too many interim ones precede it. http.client itself skips only `100 Continue`."""
        for _ in range(MAX_INTERIM_RESPONSES):
            super().begin()
            if self.status >= HTTPStatus.OK or self.status == HTTPStatus.SWITCHING_PROTOCOLS:  # that one is final
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
        """End the exchange now: a blocking call fails at once."""
        with self._lock:
            self._ended.set()
            if self._socket is not None:
                _shut_down(self._socket)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Send the request and read the response. Raises UnansweredError."""
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.response_class = FinalResponse
        try:
            with self._within_deadline():
                connection.sock = self._connect()
                target = self._parts.path + (f"?{self._parts.query}" if self._parts.query else "")
                fixed = {"Host": self._parts.netloc, "Accept-Encoding": "identity", "Connection": "close"}
                connection.request("POST", target, body, {**fixed, **headers})
                return self._read_response(connection)
        except (ForbiddenAddressError, socket.gaierror) as error:
            public = f"The name {self._host} does not resolve to an address that callbacks may be sent to."
            raise UnansweredError(self._describe(error), public=public) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnansweredError(self._describe(error)) from None
        finally:
            connection.close()
            self._set_socket(None)

    @property
    def _host(self) -> str:
        return self._parts.hostname or ""

    @property
    def _port(self) -> int:
        return port_of(self._parts)

    @contextmanager
    def _within_deadline(self) -> Iterator[None]:
        watchdog = threading.Timer(max(0.0, self._seconds_left()), self.abort)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def _set_socket(self, sock: socket.socket | None) -> None:
        """Set the socket that `abort` shuts down. Raises TimeoutError if it was called before."""
        with self._lock:
            self._socket = sock
            if sock is not None and self._ended.is_set():
                raise TimeoutError

    def _connect(self) -> socket.socket:
        """Connect to the first address that accepts, over TLS if the URL says so."""
        connect_until = min(self._deadline, time.monotonic() + self._connect_timeout_seconds)
        failure: OSError = OSError()
        for family, address in self._resolve(connect_until):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._set_socket(sock)
                sock.settimeout(_positive(connect_until - time.monotonic()))
                sock.connect(address)
                self._is_connected = True
                sock.settimeout(_positive(self._seconds_left()))
                return self._wrap_in_tls(sock) if self._parts.scheme == "https" else sock
            except OSError as error:
                failure = error
                sock.close()
            if self._ended.is_set():
                break
        raise failure

    def _wrap_in_tls(self, plain: socket.socket) -> ssl.SSLSocket:
        sock = tls_context().wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            self._set_socket(sock)
            sock.do_handshake()
        except OSError:
            sock.close()
            raise
        return sock

    def _resolve(self, until: float) -> list[tuple[socket.AddressFamily, Any]]:
        """The allowed addresses of the host. Raises OSError, such as ForbiddenAddressError.

        A lookup cannot be interrupted, so it runs in a separate thread that may outlive the exchange.
        """
        found: list[Any] = []
        resolved = threading.Event()

        def resolve() -> None:
            try:
                found.append(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                found.append(error)
            resolved.set()

        threading.Thread(target=resolve, name="resolver", daemon=True).start()
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

    def _read_response(self, connection: http.client.HTTPConnection) -> Response:
        with connection.getresponse() as response:
            if self._ended.is_set():  # the headers were cut off, which the parser takes for their end
                raise TimeoutError
            if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                return Response(response.status)
            wait = retry_after_seconds(response.getheader("Retry-After"))
            return Response(response.status, wait, self._excerpt(response))

    def _excerpt(self, response: http.client.HTTPResponse) -> str:
        with suppress(OSError, http.client.HTTPException, ValueError):
            if self._socket is not None:
                self._socket.settimeout(_positive(min(EXCERPT_SECONDS, self._seconds_left())))
            return _printable(response.read1(MAX_EXCERPT_BYTES).decode(errors="replace"))
        return ""

    def _describe(self, error: Exception) -> str:
        """Our own message, because those of the libraries may quote the URL."""
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
                return f"{host} did not accept a connection within {self._connect_timeout_seconds:g} seconds."
            case http.client.RemoteDisconnected() | ConnectionError():
                return f"{host} closed the connection without a response."
            case http.client.HTTPException():
                return f"{host} sent a response that is not valid HTTP."
        return f"{host} cannot be reached: {type(error).__name__}."


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds of a `Retry-After` (RFC 9110 section 10.2.3), a number or a date; None if it is neither."""
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
    """Verifies certificates with the authorities of the system, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()


def _positive(seconds: float) -> float:
    """A socket timeout, where 0 would mean not to wait at all. Raises TimeoutError if no time is left."""
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _shut_down(sock: socket.socket) -> None:
    # The method of SSLSocket would make the reader in another thread take ciphertext for plain text.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
