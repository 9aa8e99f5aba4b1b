"""Answers to requests: what a step stores, and what a failed one means for the attempt."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from typing import Any, Final, Literal, Self

from jobs.errors import HandlerError, PermanentError, RetryableError
from jobs.outbound.errors import (
    AnswerLostError,
    BodyEncodingError,
    BodyTooLargeError,
    ForbiddenAddressError,
    RedirectRefusedError,
    UnansweredError,
)
from jobs.outbound.responses import Response

#: Failures that the same request would get again, and their codes.
PERMANENT: Final[dict[type[UnansweredError], str]] = {
    BodyTooLargeError: "answer-too-large",
    BodyEncodingError: "remote-refused",
    ForbiddenAddressError: "address-not-allowed",
    RedirectRefusedError: "remote-refused",
}


@dataclass(frozen=True)
class Answer:
    """The stored answer to a request. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @cached_property
    def text(self) -> str:
        """The body in the charset of its `Content-Type`; in UTF-8 if it names none that is known."""
        described = Message()
        described["Content-Type"] = self.headers.get("content-type", "")
        try:
            return self.content.decode(described.get_content_charset("utf-8"), errors="replace")
        except LookupError:
            return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON; None if it is empty. Raises ValueError if it is not JSON."""
        return json.loads(self.text) if self.content else None

    def as_json(self) -> dict[str, Any]:
        """The answer as a step stores it: its body as text if it is UTF-8, else in base64; without cookies."""
        body: dict[str, str]
        try:
            body = {"text": self.content.decode()}
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(self.content).decode()}
        headers = {name: value for name, value in self.headers.items() if name != "set-cookie"}
        return {"status": self.status, "headers": headers, **body}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The answer that `as_json` has described."""
        content = stored["text"].encode() if "text" in stored else base64.b64decode(stored["base64"])
        return cls(stored["status"], stored["headers"], content)


def judge(response: Response, *, host: str, expect: Literal["json", "any"], accept: Collection[int]) -> Answer:
    """The answer, if it is a success or its status is in `accept`.

    Raises RetryableError `remote-failed` for 5xx, and for a success that is not JSON although JSON is expected; and
    PermanentError `remote-refused` for any other status.
    """
    answer = Answer(response.status, dict(response.headers), response.body)
    if not response.is_successful and response.status not in accept:
        raise _refused(response, host)
    if expect == "json" and response.is_successful:
        try:
            answer.json()
        except (ValueError, RecursionError):
            raise RetryableError(f"{host} sent an answer that is not JSON.", code="remote-failed") from None
    return answer


def _refused(response: Response, host: str) -> HandlerError:
    public = f"{host} answered {response.status_line}."
    message = f"{public}\n{response.excerpt}" if response.excerpt else public
    if response.status >= 500 or response.status in (408, 425, 429):
        wait = response.retry_after_seconds
        return RetryableError(message, public=public, retry_after_seconds=wait, code="remote-failed")
    return PermanentError(message, public=public, code="remote-refused")


def unanswered(error: UnansweredError) -> HandlerError:
    """What becomes of an attempt whose request had no usable answer."""
    for known, code in PERMANENT.items():
        if isinstance(error, known):
            return PermanentError(str(error), public=error.public, code=code)
    lost = " It may have received the request." if isinstance(error, AnswerLostError) else ""
    return RetryableError(f"{error}{lost}", public=error.public, code="remote-unanswered")
