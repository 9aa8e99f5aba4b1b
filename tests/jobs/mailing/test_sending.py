"""Mail servers that cannot be used, and what is kept of their words."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.stack.probing import free_port
from jobs.models import Attempt, Job
from jobs.payloads import redaction
from jobs.states import State
from tests.support.certificates import self_signed
from tests.support.smtp import MailServer, login_of, mail_server, send_mail_to, server_tls

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

Make = Callable[..., Job]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def secrets_are_read_anew() -> Iterator[None]:
    caches = redaction._own_secrets, redaction._forms
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of the server; nobody knows its authority yet."""
    return self_signed(tmp_path, name="localhost")


def test_a_server_that_refuses_connections_is_asked_again(
    settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    send_mail_to(settings, MailServer(port=free_port()))
    one = attempt(mail(report()))
    assert (one.state, one.error_message) == (
        State.FAILED, "The mail server could not be used. ConnectionRefusedError: [Errno 111] Connection refused"
    )  # fmt: skip
    assert (one.result or {})["error"] == {
        "code": "retryable-error", "detail": "The mail server could not be reached.", "retryable": True
    }  # fmt: skip


def test_a_login_that_is_refused_is_tried_again_and_kept_secret(
    settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job], caplog: pytest.LogCaptureFixture
) -> None:
    """The server repeats the password; no table and no log has it."""
    with mail_server(**login_of("ada", "another")) as server:
        login = {"EMAIL_HOST_USER": "ada", "EMAIL_HOST_PASSWORD": PASSWORD}
        send_mail_to(settings, server, **login)
        caplog.clear()
        one = attempt(mail(report()))
        own = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert (one.state, one.error_message) == (
        State.FAILED, "The mail server refused the login of EMAIL_URL: 535 not b'***'"
    )  # fmt: skip
    kept = Attempt.objects.get(job=one)
    assert "SMTPAuthenticationError" not in kept.traceback
    assert PASSWORD not in kept.traceback + kept.error_message + str(one.result) + "".join(own)
    assert len(own) > 1


def test_a_login_that_is_right_is_taken(
    settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    with mail_server(**login_of("ada", PASSWORD)) as server:
        send_mail_to(settings, server, EMAIL_HOST_USER="ada", EMAIL_HOST_PASSWORD=PASSWORD)
        assert attempt(mail(report())).state == State.SUCCEEDED


def test_a_mail_goes_over_tls_that_it_asks_for(
    certificate: Path,
    settings: Settings,
    report: Make,
    mail: Make,
    attempt: Callable[[Job], Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(tls_context=server_tls(certificate), require_starttls=True) as server:
        send_mail_to(settings, server, EMAIL_HOST="localhost", EMAIL_USE_TLS=True, EMAIL_TIMEOUT=5)
        assert attempt(mail(report())).state == State.SUCCEEDED
        assert server.over_tls == [True]


def test_a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_sent(
    certificate: Path, settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    with mail_server(tls_context=server_tls(certificate)) as server:
        send_mail_to(settings, server, EMAIL_HOST="localhost", EMAIL_USE_TLS=True, EMAIL_TIMEOUT=5)
        one = attempt(mail(report()))
        assert one.state == State.FAILED
        assert one.error_message.startswith("The mail server could not be used. SSLCertVerificationError: ")
        assert (server.asked, server.mails) == (0, [])


def test_a_server_without_starttls_gets_nothing_in_clear(
    settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    with mail_server() as server:
        send_mail_to(settings, server, EMAIL_USE_TLS=True)
        one = attempt(mail(report()))
        assert (one.state, server.asked) == (State.FAILED, 0)
        assert one.error_message == (
            "The mail server could not be used. SMTPNotSupportedError: STARTTLS extension not supported by server."
        )


def test_tls_from_the_first_byte(
    certificate: Path,
    settings: Settings,
    report: Make,
    mail: Make,
    attempt: Callable[[Job], Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = ssl.create_default_context()
    assert client.verify_mode == ssl.CERT_REQUIRED
    with mail_server(ssl_context=server_tls(certificate)) as server:
        send_mail_to(settings, server, EMAIL_HOST="localhost", EMAIL_USE_SSL=True, EMAIL_TIMEOUT=5)
        assert attempt(mail(report())).state == State.SUCCEEDED
        assert len(server.mails) == 1
