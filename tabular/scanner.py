"""Split a CSV file into runs of valid records, invalid records and blank lines, at the speed of a regular expression.

COPY of PostgreSQL is no validator: a stray quotation mark makes it merge records without a word
(https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/copyfromparse.c, CopyReadLineText). This
scanner is strict. One pattern takes all valid records up to the next invalid one, so only an invalid record costs a
step of Python. Every byte belongs to exactly one part: the `raw` of all parts, joined, is the input.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Final

from tabular.grammar import BLANKS, INVALID_BYTES, LINE_ENDS, Grammar, first_invalid_byte
from tabular.parts import Blank, Invalid, Part, Run, ScanError, count_line_ends

__all__ = ["BLOCK_BYTES", "LONGEST_RECORD_BYTES", "Blank", "Invalid", "Part", "Run", "Scan", "ScanError", "scan"]

#: No record may be longer, its line end included. It bounds the memory of the scanner and of PostgreSQL's COPY.
LONGEST_RECORD_BYTES: Final = 1024 * 1024
#: Runs are about this long. A block that fits into the processor's cache is scanned fastest.
BLOCK_BYTES: Final = 256 * 1024


def scan(
    blocks: Iterable[bytes],
    *,
    delimiter: str,
    width: int,
    line: int = 1,
    byte: int = 0,
    refuse_end_marker: bool = False,
    block_bytes: int = BLOCK_BYTES,
) -> Scan:
    r"""The parts of a file, in order. `blocks` are its UTF-8 bytes behind the heading, cut anywhere.

    `line` (from 1) and `byte` (from 0) are the position of the first block. `refuse_end_marker` makes a line `\.`
    invalid, which PostgreSQL before 18 takes for the end of the data. The parts do not depend on how the input is cut.
    Raises ScanError, and ValueError for an impossible delimiter or width.
    """
    return Scan(blocks, Grammar(delimiter, width, refuse_end_marker=refuse_end_marker), line, byte, block_bytes)


class Scan(Iterator[Part]):
    """The iterator that `scan` returns. It says which line ends it has seen.

    COPY takes one kind of line end for all its data. The first one of the input decides: `line_end`. Runs with others
    are converted outside of quotation marks.
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        grammar: Grammar,
        line: int,
        byte: int,
        block_bytes: int,
    ) -> None:
        #: The line end of all `Run.data`. It is decided once the first part is there.
        self.line_end = b"\n"
        #: All line ends outside of quotation marks that were seen up to now. More than one: the file mixes them.
        self.line_ends: set[bytes] = set()
        self._grammar = grammar
        self._record, self._line, self._byte = 1, line, byte
        #: How many bytes of the buffer's end were added to end the last record.
        self._added = 0
        self._parts = self._scan(_cut(blocks, block_bytes))

    def __iter__(self) -> Iterator[Part]:
        return self._parts  # one step less for each part

    def __next__(self) -> Part:
        return next(self._parts)

    def _scan(self, blocks: Iterable[bytes]) -> Iterator[Part]:
        rest = b""
        for block in blocks:
            buffer = rest + block
            # A line feed may follow in the next block.
            end = len(buffer) - buffer.endswith(b"\r")
            done = yield from self._parts_of(buffer, end)
            rest = buffer[done:]
            if len(rest) > LONGEST_RECORD_BYTES:
                raise self._error(rest)
        if rest:
            if not rest.endswith((b"\r", b"\n")):
                self._added = len(self.line_end)
                rest += self.line_end
            done = yield from self._parts_of(rest, len(rest))
            if done < len(rest):
                raise self._error(rest)

    def _parts_of(self, buffer: bytes, end: int) -> Generator[Part, None, int]:
        """The parts of `buffer` up to `end`. Returns where the record begins that does not end there."""
        grammar = self._grammar
        start = 0
        while start < end:
            is_long = end - start > LONGEST_RECORD_BYTES  # then only the first record can be too long: match it alone
            valid = (grammar.record if is_long else grammar.records).match(buffer, start, end)
            if valid and (stop := valid.end()) > start:
                if is_long:
                    self._check_length(buffer, start, stop)
                yield from self._valid(buffer, start, stop)
            elif buffer[start] in b"\r\n":
                blank = BLANKS.match(buffer, start, end)
                stop = blank.end() if blank else start
                yield from self._blanks(buffer[start:stop])
            elif invalid := grammar.lenient_record.match(buffer, start, end):
                stop = invalid.end()
                if is_long:
                    self._check_length(buffer, start, stop)
                yield self._invalid(buffer[start:stop])
            else:
                return start
            start = stop
        return start

    def _check_length(self, buffer: bytes, start: int, stop: int) -> None:
        if stop - start - self._added > LONGEST_RECORD_BYTES:
            raise self._error(buffer[start:stop])

    def _valid(self, buffer: bytes, start: int, stop: int) -> Iterator[Part]:
        """Parts of records that are valid but for bytes that are no UTF-8."""
        whole = buffer[start:stop]
        if whole.isascii():
            yield self._run(whole)
            return
        grammar = self._grammar
        view = memoryview(buffer)
        while start < stop:
            bad = first_invalid_byte(view, start, stop)
            good = grammar.records.match(buffer, start, bad) if bad < stop else None
            cut = good.end() if good else stop
            if cut > start:
                yield self._run(buffer[start:cut])
            start = cut
            if invalid := grammar.record.match(buffer, cut, stop):
                start = invalid.end()
                yield self._invalid(buffer[cut:start], INVALID_BYTES)

    def _run(self, raw: bytes) -> Run:
        pieces = raw.split(b'"')  # inside and outside of quotation marks in turn
        outside = raw if len(pieces) == 1 else b'"'.join(pieces[::2])
        lf, cr = outside.count(b"\n"), outside.count(b"\r")
        crlf = outside.count(b"\r\n") if lf and cr else 0
        records = lf + cr - crlf
        lines = records if len(pieces) == 1 else count_line_ends(raw)
        seen = {end for end, count in ((b"\n", lf - crlf), (b"\r\n", crlf), (b"\r", cr - crlf)) if count}
        if not self.line_ends and not self._added:
            first = self._grammar.record.match(raw)
            self._see(_line_end_of(first.group() if first else raw))
        data, original = raw, None
        if self._added:
            original = raw[: -self._added]
        else:
            self.line_ends |= seen
        if seen != {self.line_end}:
            original = raw
            pieces[::2] = _converted(outside, self.line_end).split(b'"')
            data = b'"'.join(pieces)
        run = Run(data, records, self._record, self._line, self._byte, original)
        self._record += records
        self._line += lines
        self._byte += len(raw)
        return run

    def _invalid(self, raw: bytes, codes: tuple[str, ...] = ()) -> Invalid:
        if self._added:
            record = raw = raw[: -self._added]
            ends = 0
        else:
            line_end = _line_end_of(raw)
            if line_end not in self.line_ends:
                self._see(line_end)
            record = raw[: -len(line_end)]
            ends = 1
        codes = codes or self._grammar.faults(record)
        end_line = self._line + (count_line_ends(record) if b'"' in record else 0)
        invalid = Invalid(self._record, self._line, end_line, self._byte, raw, codes[0], codes[1:])
        self._record += 1
        self._line = end_line + ends
        self._byte += len(raw)
        return invalid

    def _blanks(self, raw: bytes) -> Iterator[Blank]:
        for line_end in LINE_ENDS.findall(raw):
            if line_end not in self.line_ends:
                self._see(line_end)
            yield Blank(self._record, self._line, self._byte, line_end)
            self._record += 1
            self._line += 1
            self._byte += len(line_end)

    def _see(self, line_end: bytes) -> None:
        if not self.line_ends:
            self.line_end = line_end
        self.line_ends.add(line_end)

    def _error(self, rest: bytes) -> ScanError:
        start = rest[: min(LONGEST_RECORD_BYTES, len(rest) - self._added)]
        opened = self._grammar.open_quote(start)
        if opened is None:
            return ScanError("record-too-long", line=self._line, byte=self._byte)
        line = self._line + count_line_ends(start[:opened])
        return ScanError("unterminated-quote", line=line, byte=self._byte + opened)


def _line_end_of(record: bytes) -> bytes:
    return b"\r\n" if record.endswith(b"\r\n") else record[-1:]


def _converted(text: bytes, line_end: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", line_end)


def _cut(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of exactly `size`, but for the last one."""
    held: list[bytes] = []
    length = 0
    for block in blocks:
        held.append(block)
        length += len(block)
        if length >= size:
            joined = held[0] if len(held) == 1 else b"".join(held)
            whole = length - length % size
            for start in range(0, whole, size):
                yield joined[start : start + size]
            held, length = [joined[whole:]], length - whole
    if length:
        yield b"".join(held)
