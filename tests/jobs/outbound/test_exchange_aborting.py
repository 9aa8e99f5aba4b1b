"""An exchange can be ended from another thread, wherever it stands; it then knows whether the request was sent."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.outbound.errors import AbortedError
from jobs.outbound.exchange import Exchange
from tests.support.receivers import Receiver
from tests.support.sockets import full_backlog
from tests.support.threads import Threads
from tests.support.waiting import wait_until


@contextmanager
def being_sent(url: str, body: bytes = b"") -> Iterator[tuple[Exchange, Callable[[], AbortedError]]]:
    """An exchange in another thread, and a function that aborts it and returns its error."""
    exchange = Exchange(url, timeout_seconds=60, connect_timeout_seconds=60, trusted=True)
    with Threads(1) as threads:
        sending = threads.submit(exchange.send, "POST", body, {}, max_body_bytes=10_000_000)

        def abort() -> AbortedError:
            began = time.monotonic()
            exchange.abort()
            with pytest.raises(AbortedError, match=r"was aborted\.$") as caught:
                sending.result(timeout=20)
            assert time.monotonic() - began < 10
            return caught.value

        yield exchange, abort


def test_before_it_is_sent(receiver: Receiver) -> None:
    exchange = Exchange(receiver.url(), timeout_seconds=60, connect_timeout_seconds=60, trusted=True)
    exchange.abort()
    with pytest.raises(AbortedError) as caught:
        exchange.send("GET", b"", {}, max_body_bytes=1)
    assert (caught.value.code, caught.value.may_have_been_received) == ("aborted", False)
    assert receiver.received == []


def test_while_a_name_is_resolved(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: receiver.ended.wait(60))
    with being_sent("http://slow.example.com/") as (exchange, abort):
        wait_until(lambda: exchange._cutoff.is_guarding)
        assert not abort().may_have_been_received
    receiver.ended.set()


def test_while_it_connects() -> None:
    with full_backlog() as port, being_sent(f"http://127.0.0.1:{port}/") as (exchange, abort):
        wait_until(lambda: exchange._cutoff.is_guarding)
        assert not abort().may_have_been_received


def test_while_it_shakes_hands() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        being_sent(f"https://127.0.0.1:{silent.getsockname()[1]}/") as (_, abort),
        silent.accept()[0] as accepted,
    ):
        assert accepted.recv(1) == b"\x16"  # the first byte of a handshake
        assert not abort().may_have_been_received


def test_while_the_request_is_sent() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        being_sent(f"http://127.0.0.1:{silent.getsockname()[1]}/", bytes(50_000_000)) as (_, abort),
        silent.accept()[0] as accepted,
    ):
        assert accepted.recv(4) == b"POST"
        assert abort().may_have_been_received


@pytest.mark.parametrize("path", ["/hang", "/drip", "/drip-success", "/drip-unmeasured"])
def test_while_the_response_is_waited_for(path: str, receiver: Receiver) -> None:
    with being_sent(receiver.url(path)) as (_, abort):
        wait_until(lambda: receiver.received)
        assert abort().may_have_been_received


def test_after_the_response_nothing_happens(receiver: Receiver) -> None:
    exchange = Exchange(receiver.url(), timeout_seconds=60, connect_timeout_seconds=60, trusted=True)
    assert exchange.send("GET", b"", {}, max_body_bytes=1).status == 204
    assert not exchange._cutoff.is_guarding
    exchange.abort()
