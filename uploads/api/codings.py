"""Decode a body with `Content-Encoding: gzip` or `zstd` piece by piece, never more than a piece in memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from jobs.http.problems import ProblemError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Bytes that a decoder returns at once.
PIECE_BYTES: Final = 1024 * 1024
#: Bytes that a decoder gets at once: what follows the end of a member or frame is copied, for each that ends in them.
FED_BYTES: Final = 16 * 1024
#: Members or frames that a body may have besides one for each so many of its bytes. Each costs a decoder, even if it
#: is empty, so that no limit on the content would ever be reached.
FREE_MEMBERS: Final = 1000
BYTES_PER_MEMBER: Final = 256
#: The largest window of zstd, as RFC 9659 demands of `Content-Encoding`: 8 MiB.
ZSTD_WINDOW_LOG: Final = 23


class Decoder(Protocol):
    """One gzip member or zstd frame, as `ZstdDecompressor` has it."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached."""

    @property
    def unused_data(self) -> bytes:
        """What follows its end."""

    @property
    def needs_input(self) -> bool:
        """Whether it can return no more without further data."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The next piece of the content. What is left of `data` is kept, so the next call may bring none."""


class Gzip:
    """RFC 1952."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What follows the member."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Raises zlib.error."""
        piece = self._inner.decompress(data or self._inner.unconsumed_tail, max_length)
        self.needs_input = len(piece) < max_length and not self._inner.unconsumed_tail
        return piece


def _zstd() -> Decoder:
    """RFC 8878."""
    limits: Any = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
    return zstd.ZstdDecompressor(options=limits)


DECODERS: Final[dict[str, Callable[[], Decoder]]] = {"gzip": Gzip, "zstd": _zstd}


def decoded(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The content of a body with this coding; `identity` or empty: as it is.

    Several members or frames may follow each other. Raises ProblemError (400) if the body is damaged, is cut short,
    goes on after its end, or consists of too many tiny ones.
    """
    if coding not in DECODERS:
        yield from pieces
        return
    decoder = DECODERS[coding]()
    fed = True  # whether the body ends within a member or frame, or has none
    left = FREE_MEMBERS * BYTES_PER_MEMBER
    try:
        for data in _slices(pieces):
            left += len(data)
            while data:
                fed = True
                yield from _content(decoder, data)
                data = decoder.unused_data if decoder.eof else b""
                if decoder.eof:
                    decoder, fed = DECODERS[coding](), False
                    left -= BYTES_PER_MEMBER
            if left < 0:
                raise ProblemError(400, "invalid-coding", f"The {coding} body consists of too many tiny parts.")
    except (zlib.error, zstd.ZstdError) as error:
        raise ProblemError(400, "invalid-coding", f"The body is not valid {coding}: {error}.") from None
    if fed:
        raise ProblemError(400, "invalid-coding", f"The {coding} body ends too early.")


def _slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), FED_BYTES):
            yield piece[at : at + FED_BYTES]


def _content(decoder: Decoder, data: bytes) -> Iterator[bytes]:
    """What `data` holds, up to the end of the member or frame."""
    while True:
        piece = decoder.decompress(data, PIECE_BYTES)
        data = b""
        if piece:
            yield piece
        if decoder.eof or decoder.needs_input:
            return
