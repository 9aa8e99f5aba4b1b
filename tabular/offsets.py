"""From places in the UTF-8 stream of a file to those in the stored file, to the byte, whatever its encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from tabular.decoding import KEEP, UTF8, keeps_ascii

#: A place is searched by decoding parts of a piece of this size.
_PIECE: Final = 16 * 1024

_State = tuple[bytes, int]


class UnknownOffsetError(ValueError):
    """The place is within a character, or text that begins there does not stand for itself."""


def stored_offsets(blocks: Iterable[bytes], places: Iterable[int], *, encoding: str) -> Iterator[int]:
    """The offset in the stored file of each of these places in its UTF-8 stream, which ascend and are behind 0.

    `blocks` are the stored file. A byte order mark is in the stream only if the file is UTF-8. Where the bytes of a
    file belong to no character, such as escape sequences, they are behind the place.

    Raises UnknownOffsetError if there is no character that ends there; or if, in ISO-2022-JP, the double-byte mode
    goes on, because another text could not stand there.
    """
    if encoding in UTF8:
        yield from places
        return
    following = iter(places)
    place = next(following, None)
    decoder = codecs.getincrementaldecoder(encoding)(KEEP)
    initial, ascii_stays = decoder.getstate(), keeps_ascii(encoding)
    at = done = 0
    for piece in _pieces(blocks):
        if place is None:
            return
        before = decoder.getstate()
        is_plain = ascii_stays and piece.isascii() and not before[0]
        length = len(piece) if is_plain else _length(decoder.decode(piece))
        while place is not None and place <= done + length:
            if is_plain:
                yield at + place - done
            else:
                yield at + _found(piece, before, encoding, place - done, initial)
            place = next(following, None)
        at += len(piece)
        done += length
    if place is not None:
        raise UnknownOffsetError(f"the file ends before {place}")


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    return chain.from_iterable((block[at : at + _PIECE] for at in range(0, len(block), _PIECE)) for block in blocks)


def _found(piece: bytes, before: _State, encoding: str, length: int, initial: _State) -> int:
    """How many bytes of the piece make `length` bytes of the stream: as few as possible."""
    low, high = 0, len(piece)
    while low < high:
        middle = (low + high) // 2
        if _decoded(piece[:middle], before, encoding)[0] >= length:
            high = middle
        else:
            low = middle + 1
    found, state = _decoded(piece[:low], before, encoding)
    if found != length or (encoding == "iso2022_jp" and state != initial):
        raise UnknownOffsetError(f"no text can begin behind {length} bytes of the piece")
    return low


def _decoded(data: bytes, before: _State, encoding: str) -> tuple[int, _State]:
    decoder = codecs.getincrementaldecoder(encoding)(KEEP)
    decoder.setstate(before)
    return _length(decoder.decode(data)), decoder.getstate()


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
