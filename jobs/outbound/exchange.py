"""Sends one request to one server within a strict deadline.

It uses the standard library's HTTP parser with its own sockets (docs/adr/0008): it connects to the address that it has
checked, so a name cannot change in between, uses no proxy of the environment and, unless told to, follows no redirect.
Everything that blocks (a name server, a handshake, a server that drips bytes) ends at the deadline, or when `abort` is
called. Each request has a connection of its own, so it is certain whether a request can have been received; see
`jobs.outbound.errors` for all the ways in which an exchange ends without a response.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from jobs.outbound.connecting import connect
from jobs.outbound.cutoff import Cutoff
from jobs.outbound.decoding import TooLongError, UnknownEncodingError
from jobs.outbound.errors import (
    AnswerLostError,
    BodyEncodingError,
    BodyIncompleteError,
    BodyTooLargeError,
    ForbiddenAddressError,
    InvalidHTTPError,
    RedirectRefusedError,
    UnansweredError,
)
from jobs.outbound.reading import EXCERPT_SECONDS, FinalResponse, headers_of, read_body, read_excerpt
from jobs.outbound.redirects import MAX_REDIRECTS, METHODS, STATUSES, carried_headers, next_target
from jobs.outbound.requests import request_bytes
from jobs.outbound.responses import Headers, Response, excerpt_of
from jobs.outbound.retry_hints import wait_seconds
from jobs.outbound.sending import send_until_answered
from jobs.outbound.targets import Target
from jobs.outbound.urls import ForbiddenURLError

__all__ = ["Exchange", "Response", "UnansweredError"]

#: What can be wrong with a connection or a response.
BROKEN: Final = (OSError, http.client.HTTPException, ValueError)


class Exchange:
    """One request, by `post` or `send`. `abort` may be called from any thread, at any time."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float,
        connect_timeout_seconds: float,
        trusted: bool = False,
        follow_redirects: bool = False,
        is_trusted: Callable[[str], bool] = lambda receiver: False,
    ) -> None:
        """The deadline is `timeout_seconds` from now.

        A `trusted` host is one that our own code names: it may have any address, and be called by http. With
        `follow_redirects`, `send` follows those of GET and HEAD; `is_trusted` says of another `host:port` whether it
        is trusted, too.
        """
        self.timeout_seconds = timeout_seconds
        self._url = url
        self._connect_timeout_seconds = connect_timeout_seconds
        self._trusted = trusted
        self._follow_redirects = follow_redirects
        self._is_trusted = is_trusted
        self._cutoff = Cutoff(timeout_seconds)

    def abort(self) -> None:
        """End the exchange now: a blocking call fails at once."""
        self._cutoff.end(aborted=True)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """Send a POST and read the status; of an unsuccessful response an excerpt, too. Raises UnansweredError.

        The URL is a canonical one. The body of a successful response is not waited for.
        """
        target = Target.of(self._url, trusted=self._trusted)
        with self._cutoff.watching(), self._opened("POST", target, headers, body) as (response, sock):
            if 200 <= response.status < 300:
                return Response(response.status)
            found = Headers(response.headers.items())
            return Response(response.status, wait_seconds(found), self._excerpt(response, sock), found)

    def send(self, method: str, body: bytes, headers: Mapping[str, str], *, max_body_bytes: int) -> Response:
        """Send a request and read the whole response. Raises UnansweredError.

        Raises InvalidCallbackURLError if the URL is none, or is not allowed for a host that is not trusted, and
        ValueError if the method or a header is not allowed.
        """
        try:
            target = Target.checked(self._url, trusted=self._trusted)
        except ForbiddenURLError:
            raise ForbiddenAddressError(Target.of(self._url).host) from None
        with self._cutoff.watching():
            for _ in range(MAX_REDIRECTS + 1):
                response = self._send_once(method, target, headers, body, max_body_bytes)
                if not (location := self._location(method, response)):
                    return response
                following = next_target(target, location, is_trusted=self._is_trusted)
                target, headers = following, carried_headers(headers, target, following)
        raise RedirectRefusedError(f"{target.host} redirected more than {MAX_REDIRECTS} times.")

    def _location(self, method: str, response: Response) -> str | None:
        """Where to go on, if this response is a redirect that is followed."""
        follows = self._follow_redirects and method in METHODS and response.status in STATUSES
        return response.headers.get("Location") if follows else None

    def _send_once(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes, max_body_bytes: int
    ) -> Response:
        with self._opened(method, target, headers, body) as (response, _):
            found = headers_of(response)
            answer = Response(response.status, wait_seconds(found), headers=found)
            if self._location(method, answer):
                return answer
            try:
                content = self._whole_body(response, found, target.host, max_body_bytes)
            except UnansweredError as error:
                error.retry_after_seconds = answer.retry_after_seconds
                raise
        excerpt = "" if answer.is_successful else excerpt_of(content)
        return Response(answer.status, answer.retry_after_seconds, excerpt, found, content)

    def _whole_body(self, response: FinalResponse, headers: Headers, host: str, max_body_bytes: int) -> bytes:
        status, is_framed = response.status, response.chunked or response.length is not None
        try:
            body = read_body(response, headers, max_bytes=max_body_bytes)
        except TooLongError:
            message = f"{host} sent a body of more than {max_body_bytes} bytes."
            raise BodyTooLargeError(message, status=status) from None
        except UnknownEncodingError:
            message = f"{host} sent a body in an encoding that was not asked for."
            raise BodyEncodingError(message, status=status) from None
        except (OSError, http.client.IncompleteRead):
            raise self._incomplete(host, status) from None
        if self._cutoff.has_ended and not is_framed:  # it ended where we have shut the connection down
            raise self._incomplete(host, status)
        return body

    def _incomplete(self, host: str, status: int) -> UnansweredError:
        if self._cutoff.was_aborted:
            return self._cutoff.error(host, sent=True)
        in_time = f" within {self.timeout_seconds:g} seconds" if self._cutoff.is_over else ""
        return BodyIncompleteError(f"{host} did not send the whole body{in_time}.", status=status)

    @contextmanager
    def _opened(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes
    ) -> Iterator[tuple[FinalResponse, socket.socket]]:
        """Connect, send the request and read the headers of the response. What the block raises is described, too."""
        request = request_bytes(method, target, headers, body)
        sock = connect(target, cutoff=self._cutoff, timeout_seconds=self._connect_timeout_seconds)
        response = FinalResponse(sock, method=method)
        try:
            # A server that refuses early may answer without reading on.
            with suppress(BrokenPipeError, ConnectionResetError):
                send_until_answered(sock, request)
            response.begin()
            yield response, sock
        except BROKEN as error:
            raise self._describe(error, target.host) from None
        finally:
            self._cutoff.release()
            response.close()
            sock.close()

    def _excerpt(self, response: FinalResponse, sock: socket.socket) -> str:
        with suppress(*BROKEN):
            sock.settimeout(min(EXCERPT_SECONDS, self._cutoff.seconds_left()))
            return read_excerpt(response)
        return ""

    def _describe(self, error: Exception, host: str) -> UnansweredError:
        """Our own message, because those of the libraries may quote the URL."""
        if self._cutoff.has_ended or isinstance(error, TimeoutError):
            return self._cutoff.error(host, sent=True)
        match error:
            case http.client.RemoteDisconnected() | ConnectionError() | ssl.SSLEOFError():
                return AnswerLostError(f"{host} closed the connection without a response.")
            case ssl.SSLError():
                return AnswerLostError(f"TLS with {host} failed: {error.reason}")
            case http.client.HTTPException() | ValueError():
                return InvalidHTTPError(f"{host} sent a response that is not valid HTTP.")
        return AnswerLostError(f"{host} cannot be reached: {type(error).__name__}.")
