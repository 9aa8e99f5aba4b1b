"""The grammar of a CSV record, twice.

The strict grammar is that of RFC 4180: a cell is quoted as a whole or contains no quotation mark. It decides what is
valid. The lenient grammar also takes a text behind a closing quotation mark, and quotation marks in an unquoted cell.
It decides where an invalid record ends, so that the records behind it are read as what they are.

No pattern goes back over text, so each takes time in proportion to it. https://www.rfc-editor.org/rfc/rfc4180

Where a group is repeated, an atomic group stands around it. Python before 3.11.5 matches too much where a group is
repeated by `*+`, `++` or `{n}+`: https://github.com/python/cpython/issues/106052
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import Final

from tabular.decoding import text_of

#: What ends a record outside of quotation marks. Where a line feed may still follow a carriage return, wait for it.
LINE_END: Final = rb"(?:\r\n|\n|\r)"
LINE_ENDS: Final = re.compile(LINE_END)
#: A quoted cell. A quotation mark within it is written twice.
_QUOTED: Final = rb'"[^"]*+(?>(?:""[^"]*+)*)"'
#: Lines without any character.
BLANKS: Final = re.compile(rb"[\r\n]++")
#: Up to this number of cells, the pattern of a record spells them out, which is faster than to count them.
MOST_SPELLED_OUT: Final = 300
INVALID_BYTES: Final = ("invalid-bytes",)


class Grammar:
    r"""Patterns for records of `width` cells, as bytes of UTF-8. `delimiter` is one ASCII character.

    `refuse_end_marker` says that a record `\.` is not valid. Raises ValueError for a delimiter or a width
    that no file can have.
    """

    def __init__(self, delimiter: str, width: int, *, refuse_end_marker: bool = False) -> None:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
            raise ValueError(f"{delimiter!r} cannot be a delimiter")
        if width < 1:
            raise ValueError("a record has at least one cell")
        self.delimiter: Final = delimiter.encode()
        self.width: Final = width
        mark = re.escape(self.delimiter)
        self._end_marker = rb"\." if refuse_end_marker else None
        # An empty line is no record, not even of one cell.
        cell = rb'(?:"[^"\0]*+(?>(?:""[^"\0]*+)*)"|[^"%b\r\n\0]%b)' % (mark, b"++" if width == 1 else b"*+")
        if width == 1 and refuse_end_marker:
            cell = rb"(?!\\\.[\r\n])" + cell
        cells = (
            mark.join([cell] * width)
            if width <= MOST_SPELLED_OUT
            else rb"(?:%b%b){%d}%b" % (cell, mark, width - 1, cell)
        )
        #: As many valid records as there are.
        self.records: Final = re.compile(rb"(?:%b%b)*" % (cells, LINE_END))
        #: One valid record.
        self.record: Final = re.compile(cells + LINE_END)
        lenient = _lenient_cell(mark)
        #: One record, valid or not. It does not match an open quotation mark.
        self.lenient_record: Final = re.compile(rb"%b(?>(?:%b%b)*)%b" % (lenient, mark, lenient, LINE_END))
        self._cell_and_mark: Final = re.compile(lenient + mark)
        self._cells_and_marks: Final = re.compile(rb"(?>(?:%b%b)*)" % (lenient, mark))
        self._strict_cells_and_marks: Final = re.compile(rb'(?>(?:(?:%b|[^"%b\r\n]*+)%b)*)' % (_QUOTED, mark, mark))
        self._quoted: Final = re.compile(_QUOTED)

    def faults(self, record: bytes) -> tuple[str, ...]:
        """Why a record, without its line end, is not valid: all codes that apply."""
        found: tuple[str, ...] = ("end-of-data-marker",) if record == self._end_marker else ()
        if b'"' in record:
            cells = record + self.delimiter
            if not self._strict_cells_and_marks.fullmatch(cells):
                found += ("stray-quote",)
            count = len(self._cell_and_mark.findall(cells))
        else:
            count = record.count(self.delimiter) + 1
        if count != self.width:
            found += ("missing-cells" if count < self.width else "extra-cells",)
        if b"\0" in record:
            found += ("nul-byte",)
        if not record.isascii() and first_invalid_byte(memoryview(record), 0, len(record)) < len(record):
            found += INVALID_BYTES
        return found

    def open_quote(self, text: bytes) -> int | None:
        """Where the quotation mark stands that is still open at the end of `text`, which begins with a record."""
        cells = self._cells_and_marks.match(text)
        start = cells.end() if cells else 0
        return start if text[start : start + 1] == b'"' and not self._quoted.match(text, start) else None


def cells_of(record: bytes, *, delimiter: str, encoding: str = "utf-8") -> list[str | None]:
    """The cells of a record, valid or not, by the lenient grammar. None is an empty cell without quotation marks.

    A cell like `"say "yes" twice"` loses its outer quotation marks only. Another cell with a stray quotation mark is
    taken as it stands. Bytes that are not valid in `encoding`, that of the stored file, become what `text_of` says.
    """
    found = _cells(delimiter.encode()).findall(record.rstrip(b"\r\n") + delimiter.encode())
    return [_cell(text_of(cell, encoding)) for cell in found]


def first_invalid_byte(view: memoryview, start: int, stop: int) -> int:
    """Where the first byte stands that is no UTF-8; `stop` if there is none. It looks hardly farther than that byte."""
    size = 4096
    while start < stop:
        try:
            _, used = codecs.utf_8_decode(view[start : min(start + size, stop)], "strict", start + size >= stop)
        except UnicodeDecodeError as error:
            return start + error.start
        start += used
        size *= 4
    return stop


@cache
def _cells(delimiter: bytes) -> re.Pattern[bytes]:
    mark = re.escape(delimiter)
    return re.compile(rb"(%b)%b" % (_lenient_cell(mark), mark))


def _lenient_cell(mark: bytes) -> bytes:
    return rb'(?:%b[^%b\r\n]*+|[^"%b\r\n][^%b\r\n]*+|)' % (_QUOTED, mark, mark, mark)


def _cell(written: str) -> str | None:
    if not written:
        return None
    if len(written) > 1 and written[0] == written[-1] == '"':
        return written[1:-1].replace('""', '"')
    return written
