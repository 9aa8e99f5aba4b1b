"""Reads one response from a connection, strictly: what is cut off or unclear is an error and never a shorter response.

`http.client` forgives: it takes the end of a connection for the end of the headers, and a body that is shorter than its
`Content-Length` for the whole one.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
from email.errors import (
    FirstHeaderLineIsContinuationDefect,
    InvalidHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
from http import HTTPStatus
from typing import Any, Final

from jobs.outbound.decoding import BoundedBody
from jobs.outbound.responses import MAX_EXCERPT_BYTES, Headers, excerpt_of

#: For how many seconds an excerpt is waited for.
EXCERPT_SECONDS: Final = 1.0
#: 1xx responses that are skipped.
MAX_INTERIM_RESPONSES: Final = 10
#: Headers, interim responses or trailers together, and the lines between two pieces of a body.
MAX_LINE_BYTES: Final = 256 * 1024
CONTENT_LENGTH: Final = re.compile(r"\d{1,18}", re.ASCII)
#: Lines that are no headers. Other defects are about the parts of a mail.
HEADER_DEFECTS: Final = (
    FirstHeaderLineIsContinuationDefect,
    InvalidHeaderDefect,
    MisplacedEnvelopeHeaderDefect,
    MissingHeaderBodySeparatorDefect,
)
#: A body is read in pieces of this size.
PIECE_BYTES: Final = 64 * 1024


class LineReader(io.BufferedReader):
    """Lines that are whole, and not more of them than MAX_LINE_BYTES in a row."""

    _line_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """Raises RemoteDisconnected if the connection ends within the line, HTTPException if there are too many."""
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise http.client.RemoteDisconnected("within a line")
        self._line_bytes += len(line)
        if self._line_bytes > MAX_LINE_BYTES:
            raise http.client.HTTPException("too many lines")
        return line

    def read1(self, size: int = -1, /) -> bytes:
        self._line_bytes = 0
        return super().read1(size)


class FinalResponse(http.client.HTTPResponse):
    """The final response, after interim ones such as `103 Early Hints` (RFC 9110 section 15.2)."""

    def __init__(self, sock: socket.socket, *, method: str) -> None:
        super().__init__(sock, method=method)
        self.method = method
        self.fp = LineReader(self.fp.detach())

    def begin(self) -> None:
        """Raises HTTPException if too many interim ones precede it. http.client itself skips only `100 Continue`."""
        for _ in range(MAX_INTERIM_RESPONSES):
            super().begin()
            if self.status >= HTTPStatus.OK or self.status == HTTPStatus.SWITCHING_PROTOCOLS:  # that one is final
                return
            self.headers = None  # type: ignore[assignment]  # so it says that it has not begun
        raise http.client.HTTPException("no final answer")


def headers_of(response: FinalResponse) -> Headers:
    """All of them, on one line each. Raises HTTPException unless they say clearly where the body ends."""
    parsed: Any = response.headers
    if any(isinstance(defect, HEADER_DEFECTS) for defect in parsed.defects):  # those behind it may be lost
        raise http.client.HTTPException("not a header")
    headers = Headers((name, " ".join(value.split("\r\n"))) for name, value in parsed.items())
    if headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
        raise http.client.HTTPException("unknown transfer encoding")
    lengths = {length.strip() for length in headers.get_all("Content-Length")}
    if len(lengths) > 1 or not all(map(CONTENT_LENGTH.fullmatch, lengths)):
        raise http.client.HTTPException("unclear length")
    return headers


def read_body(response: FinalResponse, headers: Headers, *, max_bytes: int) -> bytes:
    """The whole body, decoded. Raises TooLongError, UnknownEncodingError, HTTPException or OSError.

    A body that is longer than `max_bytes`, encoded or decoded, is not read to its end.
    """
    if not has_body(response):
        return b""
    body = BoundedBody(headers.get("Content-Encoding", ""), max_bytes=max_bytes)
    body.expect(response.length)
    while piece := response.read1(PIECE_BYTES):
        body.add(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return body.whole()


def read_excerpt(response: FinalResponse) -> str:
    """The beginning of the body, as far as it has arrived. Raises OSError, HTTPException or ValueError."""
    return excerpt_of(response.read1(MAX_EXCERPT_BYTES))


def has_body(response: FinalResponse) -> bool:
    """Whether a body follows the headers, by the method and the status."""
    if response.method == "HEAD" or response.status < HTTPStatus.OK:
        return False
    return response.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
