"""Find where records stand in a file: for each error, the line that an editor shows, and the offset of the byte.

Positions are worked out only for the records that are asked for. A run without one of them costs a comparison if the
file is stored as UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tabular.decoding import UTF8, original_bytes, utf8_stream
from tabular.parts import Blank, Invalid, Part, Run, count_line_ends

#: A record within a run. All are valid there, so that cells need not be told apart.
_RECORD: Final = re.compile(rb'(?>(?:[^"\r\n]++|"[^"]*+")+)(?:\r\n|\n|\r|\Z)')
#: Bytes of the mark that these codecs drop from the beginning of a file.
_MARK_BYTES: Final = {"utf-16": 2, "utf-32": 4}


@dataclass(frozen=True, slots=True)
class Located:
    """A record and its place: its first and last line, and the offset of its first byte in the stored file.

    `raw` is the record in UTF-8, with its line end. `code` says why it is not valid CSV; it is empty for a valid one.
    """

    record: int
    line: int
    end_line: int
    byte: int
    raw: bytes
    code: str


def locate(
    parts: Iterable[Part], wanted: Iterable[int], *, encoding: str = "utf-8", first_byte: int | None = None
) -> Iterator[Located]:
    """Each record of which the number is `wanted`, in ascending order, and each invalid record, as the file has them.

    `encoding` is that of the stored file: parts of another one than UTF-8 are encoded again, to count its bytes. The
    offsets are exact as far as `original_bytes` gives the bytes of the file; in ISO-2022-JP they may drift.
    `first_byte` is the offset of the first part in that file, as `stored_start` tells it; a file in UTF-8 needs none,
    because its parts know theirs.

    Raises ValueError if `wanted` does not ascend or names a record that is not in the file. One that is named twice is
    yielded once.
    """
    numbers = _ascending(wanted)
    number = next(numbers, None)
    at = first_byte
    for part in parts:
        if at is None:
            at = part.byte
        behind = part.record + (part.records if isinstance(part, Run) else 1)
        here = []
        while number is not None and number < behind:
            here.append(number)
            number = next(numbers, None)
        if isinstance(part, Invalid):
            yield Located(part.record, part.line, part.end_line, at, part.raw, part.code)
        elif here:
            yield from _located(part, here, at, encoding)
        at += len(original_bytes(part.raw, encoding))
    if number is not None:
        raise ValueError(f"record {number} is not in the file")


def stored_start(blocks: Iterable[bytes], *, encoding: str, start_byte: int) -> int:
    """The offset in the stored file of what stands at `start_byte` in its UTF-8 stream. `blocks` are the file."""
    if encoding in UTF8:
        return start_byte
    before, left = [], start_byte
    for block in utf8_stream(blocks, encoding, skip=0):
        before.append(block[:left])
        left -= len(before[-1])
        if not left:
            break
    return _MARK_BYTES.get(encoding, 0) + len(original_bytes(b"".join(before), encoding))


def _located(part: Run | Blank, numbers: list[int], at: int, encoding: str) -> Iterator[Located]:
    records = records_of(part)
    line, done = part.line, 0
    for number in numbers:
        index = number - part.record
        before = b"".join(records[done:index])
        line += count_line_ends(before)
        at += len(original_bytes(before, encoding))
        done, raw = index, records[index]
        end_line = line + count_line_ends(raw) - raw.endswith((b"\r", b"\n"))
        yield Located(number, line, end_line, at, raw, "")


def records_of(part: Run | Blank) -> list[bytes]:
    """The records of a part, each with its line end."""
    if isinstance(part, Blank):
        return [part.raw]
    return _RECORD.findall(part.raw) if b'"' in part.raw else part.raw.splitlines(keepends=True)


def _ascending(numbers: Iterable[int]) -> Iterator[int]:
    last = 0
    for number in numbers:
        if number < max(last, 1):
            raise ValueError(f"record {number} comes behind record {last}")
        if number > last:
            yield number
        last = number
