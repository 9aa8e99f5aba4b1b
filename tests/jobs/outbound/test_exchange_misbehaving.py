"""Servers that hang, drip, break off, lie and never end: each is an error of its own, in time, in flat memory."""

import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from jobs.outbound.errors import (
    AnswerLostError,
    BodyIncompleteError,
    BodyTooLargeError,
    InvalidHTTPError,
    NotConnectedError,
    UnansweredError,
    UnresolvableError,
)
from jobs.outbound.exchange import Exchange
from tests.support.receivers import Receiver
from tests.support.threads import Threads
from tests.support.waiting import wait_until

#: Nothing here takes as long as this unless it is waited for in vain.
FOR_EVER = 10.0


def fails(url: str, *, within: float = 5.0, method: str = "GET", max_body_bytes: int = 1_000_000) -> UnansweredError:
    """The error of an exchange that must end in one, and soon."""
    began = time.monotonic()
    with pytest.raises(UnansweredError) as caught:
        Exchange(url, timeout_seconds=within, connect_timeout_seconds=within, trusted=True).send(
            method, b"", {}, max_body_bytes=max_body_bytes
        )
    assert time.monotonic() - began < FOR_EVER
    return caught.value


def described(error: UnansweredError) -> tuple[type, str, bool, int | None]:
    return type(error), str(error), error.may_have_been_received, error.status


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_headers_that_do_not_come_in_time_are_a_lost_answer(path: str, receiver: Receiver) -> None:
    error = fails(receiver.url(path), within=0.3)
    assert described(error) == (AnswerLostError, "127.0.0.1 did not answer within 0.3 seconds.", True, None)
    assert error.code == "answer-lost"


@pytest.mark.parametrize("path", ["/drip-success", "/drip-unmeasured"])
def test_a_body_that_drips_ends_with_the_deadline(path: str, receiver: Receiver) -> None:
    """It is not taken for whole where we end the connection."""
    error = fails(receiver.url(path), within=0.3)
    text = "127.0.0.1 did not send the whole body within 0.3 seconds."
    assert described(error) == (BodyIncompleteError, text, True, 200)
    assert error.code == "body-incomplete"


@pytest.mark.parametrize("path", ["/close", "/reset", "/reset/headers"])
def test_a_connection_that_breaks_before_the_body_is_a_lost_answer(path: str, receiver: Receiver) -> None:
    text = "127.0.0.1 closed the connection without a response."
    assert described(fails(receiver.url(path))) == (AnswerLostError, text, True, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: 1",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 20",
        b"",
    ],
)
def test_headers_without_their_end_are_no_answer(raw: bytes, receiver: Receiver) -> None:
    """The end of the connection would otherwise be taken for the end of the headers, and of an empty body."""
    receiver.raw = raw
    assert type(fails(receiver.url("/raw"))) is AnswerLostError


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1234",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n1234\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
)
def test_a_body_without_its_end_is_incomplete(raw: bytes, receiver: Receiver) -> None:
    receiver.raw = raw
    error = fails(receiver.url("/raw"))
    assert described(error) == (BodyIncompleteError, "127.0.0.1 did not send the whole body.", True, 200)


def test_a_connection_that_is_reset_within_the_body_is_an_incomplete_body(receiver: Receiver) -> None:
    error = fails(receiver.url("/reset/body"))
    assert described(error) == (BodyIncompleteError, "127.0.0.1 did not send the whole body.", True, 200)


@pytest.mark.parametrize(
    "raw",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnot a header\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"1" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 11 + b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_is_not_http_is_no_answer(raw: bytes, receiver: Receiver) -> None:
    receiver.raw = raw
    error = fails(receiver.url("/raw"))
    text = "127.0.0.1 sent a response that is not valid HTTP."
    assert described(error) == (InvalidHTTPError, text, True, None)
    assert error.code == "invalid-http"


@pytest.mark.parametrize("path", ["/flood", "/headers"])
def test_headers_and_interim_responses_have_an_end(path: str, receiver: Receiver) -> None:
    assert type(fails(receiver.url(path))) is InvalidHTTPError


def test_trailers_have_an_end(receiver: Receiver) -> None:
    assert type(fails(receiver.url("/trailers"))) is InvalidHTTPError


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_of_a_body_of_ten_gigabytes_only_as_much_as_is_allowed_is_read(framing: str, receiver: Receiver) -> None:
    tracemalloc.start()
    try:
        error = fails(receiver.url(f"/endless/{framing}"), max_body_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    text = "127.0.0.1 sent a body of more than 1000000 bytes."
    assert described(error) == (BodyTooLargeError, text, True, 200)
    assert peak < 5_000_000
    assert receiver.written < 50_000_000  # what fits into the buffers of the kernel


def test_a_small_body_that_would_become_a_large_one_is_not_decoded(receiver: Receiver) -> None:
    receiver.raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb()
    tracemalloc.start()
    try:
        error = fails(receiver.url("/raw"), max_body_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(error) is BodyTooLargeError
    assert peak < 5_000_000


def test_what_the_status_says_is_not_lost_with_a_body_that_is_too_long(receiver: Receiver) -> None:
    receiver.body, receiver.headers["Retry-After"] = bytes(11), "30"
    error = fails(receiver.url("/status/503"), max_body_bytes=10)
    assert (type(error), error.status, error.retry_after_seconds) == (BodyTooLargeError, 503, 30.0)


def test_whoever_waits_needs_no_thread_but_its_own(receiver: Receiver) -> None:
    names = {thread.name for thread in threading.enumerate()}
    with Threads(10, thread_name_prefix="waiting") as threads:
        waiting = [threads.submit(fails, receiver.url("/hang"), within=0.5) for _ in range(10)]
        wait_until(lambda: len(receiver.received) == 10)
        more = {thread.name for thread in threading.enumerate()} - names
        assert {name for name in more if not name.startswith(("waiting", "receiving"))} <= {"deadlines"}
        assert {type(each.result(20)) for each in waiting} == {AnswerLostError}


def test_an_answer_before_the_body_was_read_is_an_answer(receiver: Receiver) -> None:
    """Such as 413 or 401: the rest of the body cannot be sent."""
    receiver.raw = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    exchange = Exchange(receiver.url("/early"), timeout_seconds=60, connect_timeout_seconds=5, trusted=True)
    began = time.monotonic()
    assert exchange.send("POST", bytes(50_000_000), {}, max_body_bytes=10).status == 413
    assert time.monotonic() - began < 30


def test_a_port_where_nobody_listens_has_certainly_received_nothing() -> None:
    error = fails("http://127.0.0.1:1/")
    assert described(error) == (NotConnectedError, "127.0.0.1 refused the connection.", False, None)
    assert error.code == "not-connected"


def test_a_name_that_does_not_exist_has_certainly_received_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", failing(UnicodeError("label empty or too long")))
    error = fails("http://nowhere.example.com/secret?key=1")
    assert described(error) == (UnresolvableError, "The name nowhere.example.com does not resolve.", False, None)
    assert error.code == "name-not-resolved"


def failing(error: Exception) -> Callable[..., None]:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    return fail


def bomb() -> bytes:
    """100 MB of zeros in gzip, 100 KB."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_000_000)
    return b"".join([*(packing.compress(zeros) for _ in range(100)), packing.flush()])
