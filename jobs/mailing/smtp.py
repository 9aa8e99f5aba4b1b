"""Django's SMTP backend, which also says when it begins to hand a mail over, and can be interrupted."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.mail.backends.smtp import EmailBackend


class _Announcing:
    """Calls `before_data` before the text of a mail is sent. From then on, the server may have taken it."""

    before_data: Callable[[], None] | None = None

    def data(self, message: Any) -> tuple[int, bytes]:
        if self.before_data is not None:
            self.before_data()
        answer: tuple[int, bytes] = super().data(message)  # type: ignore[misc]  # of smtplib.SMTP
        return answer


class _SMTP(_Announcing, smtplib.SMTP):
    """Plain, or with STARTTLS."""


class _SMTPOverTLS(_Announcing, smtplib.SMTP_SSL):
    """TLS from the first byte."""


class Backend(EmailBackend):
    """The backend of `EMAIL_URL=smtp…`."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """With the announcement."""
        return _SMTPOverTLS if self.use_ssl else _SMTP

    def abort(self) -> None:
        """End what the connection is waiting for, from another thread."""
        for connection in (self.connection, getattr(self, "_partial_connection", None)):
            if connection is not None and connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
