"""Receivers behind TLS: the certificate must be that of the name in the URL, whatever address was connected to."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from jobs.outbound import exchange as sending
from jobs.outbound.exchange import Exchange, Response, UnansweredError

NAME = "receiver.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for NAME that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


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
    monkeypatch.setattr("jobs.outbound.exchange.socket.getaddrinfo", lambda *a, **k: answer)
    yield port
    listening.close()


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate's authority is known."""
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(sending, "tls_context", lambda: context)


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
