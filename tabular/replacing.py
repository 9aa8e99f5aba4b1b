"""Replace records of a stored file.

All other bytes stay as they are, also in encodings that can write the same text in two ways.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tabular.decoding import bytes_of, marked, utf8_length, utf8_stream
from tabular.grammar import cells_of
from tabular.locating import records_of
from tabular.offsets import stored_offsets
from tabular.parts import Invalid, Part, count_line_ends
from tabular.recognition import Format
from tabular.scanner import scan
from tabular.writing import joined

#: First line of a record → new texts by column, from 0; None: the record is left out.
Changes = Mapping[int, Mapping[int, str] | None]


class UnknownRecordError(ValueError):
    """No record begins in this line."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The bytes from `begin` to `end`, offsets in the stored file, give way to `new`."""

    begin: int
    end: int
    new: bytes


@dataclass(frozen=True, slots=True)
class _Record:
    """`byte` is an offset in the UTF-8 stream."""

    line: int
    byte: int
    raw: bytes
    is_valid: bool


def cuts_for(open_blocks: Callable[[], Iterable[bytes]], form: Format, changes: Changes) -> list[Cut]:
    """Where the file changes, and what stands there then. It must have the changed records in memory, and no others.

    Each call of `open_blocks` gives the file, whose first block has its byte order mark. A record with an empty change
    stays as it is if it is valid CSV; otherwise its cells are put into quotation marks. Cells that are missing are
    added, and empty ones beyond the headings are removed. A line end stays, and so does its absence.

    Raises UnknownRecordError, UnknownOffsetError, and UnicodeEncodeError for a text that the encoding lacks.
    """
    encoding, delimiter, width = form.encoding.name, form.line.delimiter, len(form.line.cells)
    start = utf8_length(form.text[: form.line.end], encoding)
    blocks = utf8_stream(open_blocks(), encoding, skip=start)
    parts = scan(blocks, delimiter=delimiter, width=width, line=form.line.first_line, byte=start)
    found = [one for one in _records(parts, sorted(changes)) if changes[one.line] != {} or not one.is_valid]
    places = [place for one in found for place in (one.byte, one.byte + len(one.raw))]
    offsets = stored_offsets(open_blocks(), places, encoding=encoding)
    mark = marked(next(iter(open_blocks()), b""))
    codec = mark[1] if mark else encoding

    def rewritten(record: _Record) -> bytes:
        new = changes[record.line]
        if new is None:
            return b""
        cells = cells_of(record.raw, delimiter=delimiter, encoding=encoding)
        cells += [None] * (max([width, *(column + 1 for column in new)]) - len(cells))
        for column, text in new.items():
            cells[column] = text or None
        while len(cells) > width and not cells[-1]:
            cells.pop()
        line_end = record.raw[len(record.raw.rstrip(b"\r\n")) :].decode()
        return bytes_of(joined(cells, delimiter=delimiter) + line_end, codec)

    return [Cut(next(offsets), next(offsets), rewritten(one)) for one in found]


def spliced(blocks: Iterable[bytes], cuts: Iterable[Cut]) -> Iterator[bytes]:
    """The file with the cuts, which ascend, block by block."""
    following = deque(cuts)
    position = kept_from = 0
    for block in blocks:
        behind = position + len(block)
        while following and following[0].begin < behind:
            cut = following.popleft()
            yield block[max(kept_from - position, 0) : cut.begin - position]
            yield cut.new
            kept_from = cut.end
        yield block[max(kept_from - position, 0) :]
        position = behind


def _records(parts: Iterable[Part], lines: list[int]) -> Iterator[_Record]:
    """The records that begin in these lines. The file is not read farther than needed."""
    following = deque(lines)
    for part in parts:
        if not following:
            return
        if following[0] >= part.line + count_line_ends(part.raw) and part.raw.endswith((b"\r", b"\n")):
            continue
        line, byte = part.line, part.byte
        for raw in [part.raw] if isinstance(part, Invalid) else records_of(part):
            if following and line == following[0]:
                following.popleft()
                yield _Record(line, byte, raw, not isinstance(part, Invalid))
            line += count_line_ends(raw)
            byte += len(raw)
        if following and following[0] < line:
            break
    if following:
        raise UnknownRecordError(f"no record begins in line {following[0]}")
