"""Hands one mail to the mail server, and tells which refusals are final."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from django.core.mail import EmailMessage, get_connection

from jobs.context import JobContext
from jobs.errors import HandlerError, PermanentError, RetryableError
from jobs.payloads.redaction import redact

#: Replies from this one on are final (RFC 5321 section 4.2.1).
FINAL: Final = 500
#: What is kept of a server's words. Characters.
LONGEST_WORDS: Final = 500


class RefusedForNowError(RetryableError):
    """The mail server answered that it does not take the mail. It may take it later, or once an operator has helped."""


def deliver(context: JobContext, message: EmailMessage, *, before_data: Callable[[], None]) -> None:
    """Send the mail once. `before_data` is called before its text is sent; what it raises is raised.

    Raises PermanentError (`mail-refused`) if the server refuses the address or the mail for good, else RetryableError.
    """
    connection = get_connection()
    try:
        with context.interruptible(getattr(connection, "abort", lambda: None)):
            connection.open()
            if (session := getattr(connection, "connection", None)) is not None:
                session.before_data = before_data
            else:
                before_data()  # a backend that writes mails to a file or the console
            connection.send_messages([message])
    except OSError as error:  # all errors of smtplib, ssl and sockets
        context.check()  # raises if the attempt was stopped
        raise failure_of(error) from None
    finally:
        with suppress(OSError):
            connection.close()


def failure_of(error: OSError) -> HandlerError:
    """What an error of the mail server means. The public text names no server."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return _for_now("The mail server refused the login of EMAIL_URL", error.smtp_code, error.smtp_error)
        case smtplib.SMTPSenderRefused():
            return _for_now("The mail server refused DEFAULT_FROM_EMAIL", error.smtp_code, error.smtp_error)
        case smtplib.SMTPRecipientsRefused():
            return _refusal("The mail server refused the address", *next(iter(error.recipients.values())))
        case smtplib.SMTPDataError():
            return _refusal("The mail server refused the mail", error.smtp_code, error.smtp_error)
        case smtplib.SMTPResponseException():
            return _for_now("The mail server refused the service", error.smtp_code, error.smtp_error)
    said = f"{type(error).__name__}: {redact(str(error))[:LONGEST_WORDS]}"
    return RetryableError(f"The mail server could not be used. {said}", public="The mail server could not be reached.")


def _refusal(what: str, code: int, words: bytes | str) -> HandlerError:
    if code < FINAL:
        return _for_now(what, code, words)
    return PermanentError(f"{what}: {_reply(code, words)}", code="mail-refused", public=f"{what}.")


def _for_now(what: str, code: int, words: bytes | str) -> RefusedForNowError:
    return RefusedForNowError(f"{what}: {_reply(code, words)}", public="The mail server did not take the mail.")


def _reply(code: int, words: bytes | str) -> str:
    """A reply in one line. A server may repeat what it was sent; `redact` masks the password of EMAIL_URL."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return f"{code} {redact(' '.join(text.split()))[:LONGEST_WORDS]}"
