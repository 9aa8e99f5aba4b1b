"""A real mail server on loopback (aiosmtpd), in the test's own process, that misbehaves on request."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pytest_django import Settings

from config.stack.probing import free_port

#: The address of the service in mails.
PUBLIC_URL: Final = "https://longhaul.example.org"
TAKEN: Final = "250 OK"
#: Instead of replies: say nothing, or close the connection.
HANG: Final = "hang"
DROP: Final = "drop"


@dataclass
class MailServer:
    """Takes mails. The next replies to RCPT and DATA are those in the lists; when they are used up, it takes all."""

    port: int = field(default_factory=free_port)
    #: The mails whose text has arrived, whatever was replied.
    mails: list[EmailMessage] = field(default_factory=list)
    #: The sender and the recipients of each.
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    #: How often a recipient was named.
    asked: int = 0
    #: Whether each mail came over TLS.
    over_tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd looks for this name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        reply = await self._reply(server, self.at_rcpt)
        if reply == TAKEN:
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.envelopes.append((str(envelope.mail_from), list(map(str, envelope.rcpt_tos))))
        self.over_tls.append(session.ssl is not None)
        return await self._reply(server, self.at_data)

    async def _reply(self, server: SMTP, replies: list[str]) -> str:
        reply = replies.pop(0) if replies else TAKEN
        if reply == HANG:
            await asyncio.sleep(3600)
        if reply == DROP:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return reply


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """A mail server for the length of a block. `options` are those of `aiosmtpd.controller.Controller`."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        for task in asyncio.all_tasks(controller.loop):
            controller.loop.call_soon_threadsafe(task.cancel)
        controller.stop()


def send_mail_to(settings: Settings, server: MailServer, **more: Any) -> None:
    """Let the code under test send its mail to this server, and give up soon."""
    settings.MAIL_IS_ON = True
    settings.PUBLIC_URL = PUBLIC_URL
    settings.DEFAULT_FROM_EMAIL = "Longhaul <longhaul@example.org>"
    settings.EMAIL_BACKEND = "jobs.mailing.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 0.5
    for name, value in more.items():
        setattr(settings, name, value)


def login_of(user: str, password: str) -> dict[str, Any]:
    """Options of a server that wants this login, without TLS."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=False, message=None if is_right else f"535 not {data.password!r}")

    return {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}


def server_tls(certificate: Path) -> ssl.SSLContext:
    """What a server with this certificate offers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def text_of(mail: EmailMessage) -> str:
    """The plain text, with the line ends of Python."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())
