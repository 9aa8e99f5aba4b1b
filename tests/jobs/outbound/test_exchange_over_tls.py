"""Receivers behind TLS: the certificate must be that of the name in the URL, whatever address was connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.outbound import connecting
from jobs.outbound.errors import (
    AbortedError,
    AnswerLostError,
    BodyIncompleteError,
    NotConnectedError,
    TLSFailedError,
)
from jobs.outbound.exchange import Exchange, Response
from tests.support.certificates import self_signed
from tests.support.threads import Threads
from tests.support.waiting import wait_until

NAME = "receiver.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for NAME that signs itself, and its key, in one file."""
    return self_signed(tmp_path_factory.mktemp("tls"), name=NAME)


@pytest.fixture
def serve(certificate: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Start a server behind TLS that gives one answer, or none; returns its port. Every name resolves to it.

    With `says_so` the server tells that its connection ends (`close_notify`), as TLS wants it.
    """
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    ended = threading.Event()

    def answer_one(answer: bytes, says_so: bool) -> None:
        try:
            with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
                request = b""
                while not request.endswith(b"{}"):
                    request += connection.recv(10_000)
                connection.sendall(answer)
                if not answer:
                    ended.wait(60)
                if says_so:
                    connection.unwrap()
        except OSError:
            pass  # the client did not like the certificate, or went away

    def start(answer: bytes, *, says_so: bool = False) -> int:
        threading.Thread(target=answer_one, args=(answer, says_so), daemon=True).start()
        return port

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: found)
    yield start
    ended.set()
    listening.close()


@pytest.fixture
def port(serve: Callable[..., int]) -> int:
    """Of a receiver that takes one request."""
    return serve(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate's authority is known."""
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connecting, "tls_context", lambda: context)


def post(host: str, port: int, *, timeout_seconds: float = 5.0) -> Response:
    exchange = Exchange(
        f"https://{host}:{port}/hook", timeout_seconds=timeout_seconds, connect_timeout_seconds=timeout_seconds
    )
    return exchange.post(b"{}", {})


def send(port: int, *, timeout_seconds: float = 20.0) -> Response:
    return calling(port, timeout_seconds=timeout_seconds).send("POST", b"{}", {}, max_body_bytes=100_000)


def calling(port: int, *, timeout_seconds: float = 60.0) -> Exchange:
    url = f"https://{NAME}:{port}/hook"
    return Exchange(url, timeout_seconds=timeout_seconds, connect_timeout_seconds=20, trusted=True)


def test_a_receiver_whose_certificate_is_for_its_name_is_sent_to(port: int, trusting: None) -> None:
    assert post(NAME, port) == Response(201)


def test_a_certificate_for_another_name_is_refused(port: int, trusting: None) -> None:
    with pytest.raises(TLSFailedError, match=r"The certificate of other\.example\.com is not valid: Hostname mismatch"):
        post("other.example.com", port)


def test_a_certificate_of_an_unknown_authority_is_refused(port: int) -> None:
    with pytest.raises(TLSFailedError, match=r"The certificate of receiver\.example\.com is not valid: self") as caught:
        post(NAME, port)
    assert (caught.value.code, caught.value.may_have_been_received) == ("tls-failed", False)


def test_a_receiver_that_speaks_no_tls_is_left(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    accepted: list[socket.socket] = []  # closed with something unread, it would be reset before its answer is read
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            accepted.append(listening.accept()[0])
            accepted[0].sendall(b"220 mail.example.com ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(TLSFailedError, match=r"TLS with 127\.0\.0\.1 failed: WRONG_VERSION_NUMBER"):
            post("127.0.0.1", listening.getsockname()[1])
    accepted[0].close()


def test_a_handshake_that_hangs_ends_with_the_deadline(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(NotConnectedError, match=r"127\.0\.0\.1 did not answer within 0\.3 seconds"):
            post("127.0.0.1", silent.getsockname()[1], timeout_seconds=0.3)
    assert time.monotonic() - began < 10  # without a deadline, for ever


def test_a_whole_response_is_read(serve: Callable[..., int], trusting: None) -> None:
    """More than one record of TLS, of a server that ends without saying so, as many do."""
    body = bytes(range(256)) * 300
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert send(serve(answer)).body == body


def test_a_body_that_ends_where_the_connection_ends_is_whole_if_the_server_says_so(
    serve: Callable[..., int], trusting: None
) -> None:
    assert send(serve(b"HTTP/1.1 200 OK\r\n\r\n1234", says_so=True)).body == b"1234"


def test_without_that_somebody_may_have_cut_it_off(serve: Callable[..., int], trusting: None) -> None:
    with pytest.raises(BodyIncompleteError, match=r"^receiver\.example\.com did not send the whole body\.$"):
        send(serve(b"HTTP/1.1 200 OK\r\n\r\n1234"))


def test_headers_that_are_cut_off_are_a_lost_answer(serve: Callable[..., int], trusting: None) -> None:
    with pytest.raises(AnswerLostError, match=r"^receiver\.example\.com closed the connection without a response\.$"):
        send(serve(b"HTTP/1.1 200 OK\r\n"))


def test_the_deadline_ends_a_wait_for_a_response(serve: Callable[..., int], trusting: None) -> None:
    with pytest.raises(AnswerLostError, match=r"^receiver\.example\.com did not answer within 0\.5 seconds\.$"):
        send(serve(b""), timeout_seconds=0.5)


def test_a_wait_for_a_response_can_be_aborted(serve: Callable[..., int], trusting: None) -> None:
    exchange = calling(serve(b""))
    with Threads(1) as threads:
        sending = threads.submit(exchange.send, "POST", b"{}", {}, max_body_bytes=1)
        wait_until(lambda: exchange._cutoff.is_guarding)
        exchange.abort()
        with pytest.raises(AbortedError):
            sending.result(timeout=20)
