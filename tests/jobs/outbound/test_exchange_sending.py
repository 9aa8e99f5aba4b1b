"""Whole requests and whole responses: what a server gets, and what comes back."""

import gzip
import time
from email.utils import formatdate

import pytest

from jobs.outbound.errors import BodyEncodingError, BodyTooLargeError, ForbiddenAddressError, InvalidHTTPError
from jobs.outbound.exchange import Exchange, Response
from jobs.outbound.urls import InvalidCallbackURLError
from tests.support.receivers import Receiver

CHUNKED = "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n123\r\n2\r\n45\r\n0\r\nX: y\r\n\r\n"


@pytest.fixture
def receiver(receiver: Receiver, settings: object) -> Receiver:
    """Hosts that are not trusted are called only at public addresses, by https."""
    settings.CALLBACK_ALLOW_HTTP = False  # type: ignore[attr-defined]
    settings.CALLBACK_ALLOWED_NETWORKS = []  # type: ignore[attr-defined]
    settings.CALLBACK_ALLOWED_PORTS = [443]  # type: ignore[attr-defined]
    return receiver


def send(url: str, method: str = "GET", body: bytes = b"", *, max_body_bytes: int = 1000, **headers: str) -> Response:
    exchange = Exchange(url, timeout_seconds=10, connect_timeout_seconds=5, trusted=True)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange.send(method, body, named, max_body_bytes=max_body_bytes)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_each_method_gets_there_with_its_body_and_headers(method: str, receiver: Receiver) -> None:
    receiver.body, receiver.status = b'{"a": 1}', 200
    response = send(receiver.url("/ok?q=a%20b"), method, b"\x00\xff", X_One="1", Content_Type="text/plain")
    [received] = receiver.received
    assert (received.method, received.path, received.body) == (method, "/ok?q=a%20b", b"\x00\xff")
    assert received.headers == {
        "Host": f"127.0.0.1:{receiver.port}", "Accept-Encoding": "identity", "Content-Length": "2",
        "X-One": "1", "Content-Type": "text/plain", "Connection": "close",
    }  # fmt: skip
    assert (response.status, response.body, response.excerpt) == (200, b'{"a": 1}', "")


def test_the_answer_to_a_head_has_no_body(receiver: Receiver) -> None:
    receiver.body, receiver.status = b"12345", 200
    response = send(receiver.url(), "HEAD", max_body_bytes=0)
    assert (response.status, response.headers["content-length"], response.body) == (200, "5", b"")


def test_all_headers_are_there_whatever_their_case(receiver: Receiver) -> None:
    receiver.raw = (
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nset-cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
        b"x-a: 2\r\nX-Folded: 1\r\n 2\r\nContent-Type: multipart/mixed\r\nContent-Length: 2\r\n\r\nok"
    )
    headers = send(receiver.url("/raw")).headers
    assert dict(headers) == {
        "x-a": "1, 2", "set-cookie": "a=1; Path=/, b=2", "x-folded": "1  2", "content-type": "multipart/mixed",
        "content-length": "2",
    }  # fmt: skip
    assert headers.get_all("SET-COOKIE") == ("a=1; Path=/", "b=2")
    assert ("X-a" in headers, "X-b" in headers, headers.get("X-b"), len(headers)) == (True, False, None, 5)
    assert "a=1" not in repr(headers)


def test_an_unsuccessful_response_has_its_body_and_a_printable_excerpt(receiver: Receiver) -> None:
    receiver.body = b"no\x1b\n" + b"x" * 600
    response = send(receiver.url("/status/503"))
    assert response == Response(503, None, "no  " + "x" * 496, body=receiver.body)


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("Retry-After", "7", 7.0),
        ("RateLimit", '"default";r=0;t=30', 30.0),
        ("X-RateLimit-Remaining", "3", None),
    ],
)
def test_a_response_says_when_the_next_request_is_welcome(
    name: str, value: str, seconds: float | None, receiver: Receiver
) -> None:
    receiver.headers[name] = value
    assert send(receiver.url("/status/429")).retry_after_seconds == seconds


def test_a_date_to_wait_for_becomes_seconds(receiver: Receiver) -> None:
    receiver.headers["Retry-After"] = formatdate(time.time() + 60, usegmt=True)
    wait = send(receiver.url("/status/503")).retry_after_seconds
    assert wait is not None
    assert 50 < wait <= 60


@pytest.mark.parametrize("framing", ["Content-Length: 5\r\n\r\n12345", "\r\n12345", CHUNKED])
def test_a_body_of_just_the_bound_is_whole(framing: str, receiver: Receiver) -> None:
    receiver.raw = f"HTTP/1.1 200 OK\r\n{framing}".encode()
    assert send(receiver.url("/raw"), max_body_bytes=5).body == b"12345"
    with pytest.raises(BodyTooLargeError, match=r"^127\.0\.0\.1 sent a body of more than 4 bytes\.$") as caught:
        send(receiver.url("/raw"), max_body_bytes=4)
    assert (caught.value.code, caught.value.status) == ("body-too-large", 200)
    assert caught.value.may_have_been_received


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none_even_if_it_is_announced(status: int, receiver: Receiver) -> None:
    receiver.raw = f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert send(receiver.url("/raw")).body == b""


def test_gzip_that_was_not_asked_for_is_decoded_up_to_the_bound(receiver: Receiver) -> None:
    receiver.headers["Content-Encoding"], receiver.status = "gzip", 200
    receiver.body = gzip.compress(bytes(1000))
    assert send(receiver.url()).body == bytes(1000)
    receiver.body = gzip.compress(bytes(1001))
    with pytest.raises(BodyTooLargeError):
        send(receiver.url())


def test_another_encoding_is_refused(receiver: Receiver) -> None:
    receiver.headers["Content-Encoding"] = "br"
    with pytest.raises(BodyEncodingError, match=r"sent a body in an encoding that was not asked for") as caught:
        send(receiver.url("/status/404"))
    assert (caught.value.code, caught.value.status) == ("body-encoding", 404)


def test_what_claims_to_be_gzip_and_is_not_is_no_response(receiver: Receiver) -> None:
    receiver.headers["Content-Encoding"], receiver.status, receiver.body = "gzip", 200, b"{}"
    with pytest.raises(InvalidHTTPError):
        send(receiver.url())


def test_a_host_that_is_not_trusted_is_held_to_the_rules_of_callbacks(receiver: Receiver) -> None:
    def send_untrusted(url: str) -> None:
        Exchange(url, timeout_seconds=5, connect_timeout_seconds=5).send("GET", b"", {}, max_body_bytes=1)

    with pytest.raises(InvalidCallbackURLError, match="It must begin with https://"):
        send_untrusted(receiver.url())
    with pytest.raises(InvalidCallbackURLError, match="Callbacks are not sent to this port"):
        send_untrusted("https://example.com:8443/")
    with pytest.raises(ForbiddenAddressError, match=r"^127\.0\.0\.1 has no address that requests may be sent to\.$"):
        send_untrusted("https://127.0.0.1/")
    assert receiver.received == []


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://user@example.com/", "http://exa mple.com/", "nonsense"])
def test_a_trusted_url_must_be_one_all_the_same(url: str) -> None:
    with pytest.raises(InvalidCallbackURLError):
        send(url)


def test_a_mistake_in_the_request_is_found_before_anything_is_connected(receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="The value of the header 'X-A' has a character"):
        send(receiver.url(), X_A="1\r\nX-B: 2")
    assert receiver.received == []
