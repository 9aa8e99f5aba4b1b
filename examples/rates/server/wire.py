"""HTTP/1.1 as far as the server needs it: requests with a Content-Length, connections that stay open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

#: The largest body of a request. Bytes.
MAX_BODY_BYTES: Final = 1024**2
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Request:
    """One request. Names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def idempotency_key(self) -> str:
        """The key, quoted or bare; empty if there is none."""
        return self.headers.get("idempotency-key", "").strip('"')

    def json_object(self) -> dict[str, Any]:
        """The body. Raises RefusedError if it is not a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "The body must be a JSON object.")
        return value


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self, *, length: int | None = None) -> bytes:
        """The status line and the headers. `length` is the size of the body in bytes, if it is not this answer's."""
        phrase = PHRASES.get(self.status, "Unknown")
        headers = {"Content-Type": "application/json", **self.headers}
        headers["Content-Length"] = str(len(self.body) if length is None else length)
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class RefusedError(Exception):
    """The request is wrong. Arguments: the status and the reason."""

    @property
    def answer(self) -> Answer:
        status, reason = self.args
        return json_answer(status, {"error": reason})


def json_answer(status: int, value: Any, **headers: str) -> Answer:
    """A response with a JSON body. `Retry_After="1"` sets the header Retry-After."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when the client has closed it. Raises RefusedError and ConnectionError."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionError("the client left in the middle of a request") from None
        return None
    except asyncio.LimitOverrunError:
        raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.") from None
    first, _, rest = head.partition(b"\r\n")
    try:
        method, target, _ = first.decode("ascii").split(" ")
        headers = {name.lower(): value for name, value in parse_headers(BytesIO(rest)).items()}
    except (ValueError, HTTPException):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "This is not an HTTP request.") from None
    return Request(method, target, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    text = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not text.isdecimal():
        raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "A body needs a Content-Length.")
    if int(text) > MAX_BODY_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    try:
        return await reader.readexactly(int(text))
    except asyncio.IncompleteReadError:
        raise ConnectionError("the client left in the middle of a request") from None
