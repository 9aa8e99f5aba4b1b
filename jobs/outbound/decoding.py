"""Collects a body up to a bound, and decodes it. A small body that would become a large one ends at the bound, too."""

from __future__ import annotations

import http.client
import zlib
from typing import Final

#: We ask for `identity`. Servers that send gzip all the same are common, so it is understood; nothing else is.
IDENTITY: Final = frozenset({"", "identity"})
GZIP: Final = frozenset({"gzip", "x-gzip"})
#: Tells zlib to expect the header and the trailer of gzip.
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class TooLongError(Exception):
    """The body is longer than its bound."""


class UnknownEncodingError(Exception):
    """The body has an encoding that we did not ask for."""


class BoundedBody:
    """The pieces of one body. No more than `max_bytes` are kept, of what is encoded and of what is decoded."""

    def __init__(self, content_encoding: str, *, max_bytes: int) -> None:
        """Raises UnknownEncodingError."""
        encoding = content_encoding.strip().lower()
        if encoding not in IDENTITY | GZIP:
            raise UnknownEncodingError
        self._inflating = zlib.decompressobj(GZIP_WINDOW) if encoding in GZIP else None
        self._max_bytes = max_bytes
        self._received = 0
        self._body = bytearray()

    def expect(self, length: int | None) -> None:
        """The announced length, if there is one. Raises TooLongError."""
        if length is not None and length > self._max_bytes:
            raise TooLongError

    def add(self, piece: bytes) -> None:
        """Raises TooLongError, or HTTPException if the piece cannot be decoded."""
        self._received += len(piece)
        self.expect(self._received)
        if self._inflating is None:
            self._body += piece
            return
        if self._inflating.eof:
            raise http.client.HTTPException("bytes after the end of gzip")
        try:
            self._body += self._inflating.decompress(piece, self._max_bytes - len(self._body) + 1)
        except zlib.error:
            raise http.client.HTTPException("not gzip") from None
        self.expect(len(self._body))
        if self._inflating.unused_data:
            raise http.client.HTTPException("bytes after the end of gzip")

    def whole(self) -> bytes:
        """The body, decoded. Raises IncompleteRead if its encoding has not ended."""
        if self._inflating is not None and not self._inflating.eof and self._received:
            raise http.client.IncompleteRead(b"")
        return bytes(self._body)
