"""From PostgreSQL's UTF-8 to the encoding of the order, chunk by chunk.

PostgreSQL could convert it too (`COPY … ENCODING`), but its error names neither row nor column, and it cannot replace
characters that an encoding lacks; see docs/adr/0003-encodings.md.
"""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Callable, Sequence
from typing import Final

from tabular.dialect import Dialect
from tabular.rows import Rows, csv_lines
from tabular.sentences import Sentence, gettext_noop
from tabular.spreadsheets import LineDefuser

_ASCII: Final = bytes(range(128))


class UnencodableError(ValueError):
    """A cell contains a character that the encoding does not have. `detail` says where."""

    def __init__(self, *, character: str, encoding: str, row: int, column: str) -> None:
        text = (
            gettext_noop("Row %(row)s, column %(column)s: the encoding %(encoding)s lacks the character %(character)s.")
            if row
            else gettext_noop("Heading %(column)s: the encoding %(encoding)s lacks the character %(character)s.")
        )
        what = f"{character!r} (U+{ord(character):04X})"
        self.detail = Sentence(text, row=row, column=column, encoding=encoding, character=what)
        super().__init__(self.detail)


class Encoder:
    """Encodes whole lines, and counts rows so that an error can name the place."""

    def __init__(self, dialect: Dialect, headings: Sequence[str]) -> None:
        self._dialect = dialect
        self._headings = headings
        self._encoder = codecs.getincrementalencoder(dialect.encoding)(dialect.errors)
        self._rows_before = -1  # the heading line does not count as a row
        self._defuse = defuser(dialect)
        self._is_utf8 = dialect.encoding == "utf-8"
        self._keeps_ascii = _ASCII.decode().encode(dialect.encoding) == _ASCII

    def encode(self, rows: Rows) -> bytes:
        """`rows` of UTF-8 in the order's encoding, and defused if the order asks for it.

        Raises UnencodableError with row (from 1) and column.
        """
        lines = self._defuse(rows.data)
        if not (self._is_utf8 or (self._keeps_ascii and lines.isascii())):
            try:
                lines = self._encoder.encode(lines.decode())
            except UnicodeEncodeError as error:
                raise self._located(error, rows) from None
        self._is_utf8 |= self._dialect.encoding == "utf-8-sig"  # only the first bytes have the byte order mark
        self._rows_before += rows.count
        return lines

    def _located(self, error: UnicodeEncodeError, rows: Rows) -> UnencodableError:
        character = error.object[error.start]
        index, line = next(
            (index, text) for index, line in enumerate(csv_lines(rows.data)) if character in (text := line.decode())
        )
        csv.field_size_limit(sys.maxsize)  # PostgreSQL's cells may be longer than the csv module expects
        cells = next(csv.reader(io.StringIO(line, newline=""), delimiter=self._dialect.delimiter))
        column = next(heading for heading, cell in zip(self._headings, cells, strict=True) if character in cell)
        return UnencodableError(
            character=character, encoding=self._dialect.encoding, row=self._rows_before + index + 1, column=column
        )


def defuser(dialect: Dialect) -> Callable[[bytes], bytes]:
    """A function that defuses whole lines if the order asks for it."""
    return LineDefuser(delimiter=dialect.delimiter).defuse if dialect.spreadsheetSafe else bytes
