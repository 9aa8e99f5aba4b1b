"""Receivers behind TLS: the certificate must be that of the name in the URL, whatever address was connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.outbound import connecting
from jobs.outbound.exchange import Exchange, Response, UnansweredError
from tests.support.certificates import self_signed

NAME = "receiver.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for NAME that signs itself, and its key, in one file."""
    return self_signed(tmp_path_factory.mktemp("tls"), name=NAME)


@pytest.fixture
def port(certificate: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a receiver that takes one request, behind TLS; every name resolves to it."""
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]

    def serve() -> None:
        try:
            with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
                request = b""
                while not request.endswith(b"{}"):
                    request += connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass  # the client did not like the certificate

    threading.Thread(target=serve, daemon=True).start()
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: answer)
    yield port
    listening.close()


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


def test_a_receiver_whose_certificate_is_for_its_name_is_sent_to(port: int, trusting: None) -> None:
    assert post(NAME, port) == Response(201)


def test_a_certificate_for_another_name_is_refused(port: int, trusting: None) -> None:
    with pytest.raises(
        UnansweredError, match=r"The certificate of other\.example\.com is not valid: Hostname mismatch"
    ):
        post("other.example.com", port)


def test_a_certificate_of_an_unknown_authority_is_refused(port: int) -> None:
    with pytest.raises(UnansweredError, match=r"The certificate of receiver\.example\.com is not valid: self"):
        post(NAME, port)


def test_a_receiver_that_speaks_no_tls_is_left(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    accepted: list[socket.socket] = []  # closed with something unread, it would be reset before its answer is read
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            accepted.append(listening.accept()[0])
            accepted[0].sendall(b"220 mail.example.com ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(UnansweredError, match=r"TLS with 127\.0\.0\.1 failed: WRONG_VERSION_NUMBER"):
            post("127.0.0.1", listening.getsockname()[1])
    accepted[0].close()


def test_a_handshake_that_hangs_ends_with_the_deadline(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(UnansweredError, match=r"127\.0\.0\.1 did not answer within 0\.3 seconds"):
            post("127.0.0.1", silent.getsockname()[1], timeout_seconds=0.3)
    assert time.monotonic() - began < 10  # without a deadline, for ever
