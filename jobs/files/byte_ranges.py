"""A range of a stored file, read block by block, so that memory holds one block at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Self

#: Bytes read from storage at a time.
BLOCK_BYTES: Final = 256 * 1024


class StoredRange:
    """An iterator over the blocks of one range; it must be closed. Raises what the storage raises.

    If the storage ends early, so does the iterator: a caller that needs all bytes must count them.
    """

    def __init__(
        self, *, length: int, stored_bytes: int, read: Callable[[int], bytes], close: Callable[[], object]
    ) -> None:
        """`length` is the size of the range in bytes, `stored_bytes` that of the whole file in storage."""
        self.stored_bytes = stored_bytes
        self.close = close
        self._left = length
        self._read = read

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        block = self._read(min(BLOCK_BYTES, self._left)) if self._left else b""
        if not block:
            raise StopIteration
        self._left -= len(block)
        return block
