"""The ways in which an exchange ends without a usable response. A caller tells them apart by class or by `code`.

| `code` | Class | What happened | May the server have received the request? |
| --- | --- | --- | --- |
| `name-not-resolved` | UnresolvableError | The name has no address. | no |
| `forbidden-address` | ForbiddenAddressError | The name has only addresses that are not allowed. | no |
| `not-connected` | NotConnectedError | The connection was refused, or not ready in time. | no |
| `tls-failed` | TLSFailedError | The certificate is not valid, or the handshake failed. | no |
| `answer-lost` | AnswerLostError | The connection broke, or time was up, before the response. | yes |
| `body-incomplete` | BodyIncompleteError | The same within the body of the response; `status` is known. | yes |
| `body-too-large` | BodyTooLargeError | The body is longer than the caller allows; `status` is known. | yes |
| `body-encoding` | BodyEncodingError | The body has an encoding that was not asked for; `status` is known. | yes |
| `invalid-http` | InvalidHTTPError | The response is not valid HTTP. | yes |
| `redirect-refused` | RedirectRefusedError | Too many redirects, or one that must not be followed. | yes |
| `aborted` | AbortedError | `Exchange.abort` was called. | `may_have_been_received` says it |

The codes are stable: they are stored with attempts. After a redirect, a code that says "no" is about the last server;
only GET and HEAD are redirected, which a server may safely receive twice.
"""

from __future__ import annotations

from typing import ClassVar


class UnansweredError(Exception):
    """There was no usable response. The text says why and reveals only the host of the URL.

    It is for the staff; `public` is for the owner and does not reveal whether our name servers know a name.
    """

    code: ClassVar[str] = "unanswered"
    #: Whether the server may have received the request, and done what it asks for.
    may_have_been_received: bool = False
    #: The status of the response, if only its body is at fault, and how long the server asks to be left alone.
    status: int | None = None
    retry_after_seconds: float | None = None

    def __init__(self, message: str, *, public: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.public = public or message
        self.status = status


class _NotUsableAddressError(UnansweredError):
    """Both look the same to the owner, who must not explore our network."""

    def __init__(self, host: str, message: str) -> None:
        public = f"The name {host} does not resolve to an address that requests may be sent to."
        super().__init__(message, public=public)


class UnresolvableError(_NotUsableAddressError):
    """The name of the host has no address."""

    code = "name-not-resolved"

    def __init__(self, host: str) -> None:
        super().__init__(host, f"The name {host} does not resolve.")


class ForbiddenAddressError(_NotUsableAddressError):
    """The host has no address to which requests are allowed."""

    code = "forbidden-address"

    def __init__(self, host: str) -> None:
        super().__init__(host, f"{host} has no address that requests may be sent to.")


class NotConnectedError(UnansweredError):
    """There was no connection, so nothing was received."""

    code = "not-connected"


class TLSFailedError(UnansweredError):
    """There was a connection, but no secure one, so nothing was received."""

    code = "tls-failed"


class AnswerLostError(UnansweredError):
    """The request was sent, at least in part, and no response came."""

    code = "answer-lost"
    may_have_been_received = True


class BodyIncompleteError(AnswerLostError):
    """The response began, and its body did not end: it was cut off, or came too slowly."""

    code = "body-incomplete"


class InvalidHTTPError(UnansweredError):
    """The response is not valid HTTP."""

    code = "invalid-http"
    may_have_been_received = True


class BodyTooLargeError(UnansweredError):
    """The body is longer than the caller allows."""

    code = "body-too-large"
    may_have_been_received = True


class BodyEncodingError(UnansweredError):
    """The body has a content encoding that was not asked for and is not gzip."""

    code = "body-encoding"
    may_have_been_received = True


class RedirectRefusedError(UnansweredError):
    """There were too many redirects, or one that must not be followed."""

    code = "redirect-refused"
    may_have_been_received = True


class AbortedError(UnansweredError):
    """`Exchange.abort` was called."""

    code = "aborted"

    def __init__(self, message: str, *, may_have_been_received: bool) -> None:
        super().__init__(message)
        self.may_have_been_received = may_have_been_received
