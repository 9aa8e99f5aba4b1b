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

from tabular.dialect import Dialect
from tabular.sentences import Sentence, gettext_noop
from tabular.spreadsheets import LineDefuser


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
        self._join = joined(dialect)

    def encode(self, lines: list[bytes]) -> bytes:
        """`lines` of UTF-8, one for each row, in the order's encoding, and defused if the order asks for it.

        Raises UnencodableError with row (from 1) and column.
        """
        text = self._join(lines)
        if self._dialect.encoding == "utf-8":
            return text
        try:
            encoded = self._encoder.encode(text.decode())
        except UnicodeEncodeError as error:
            raise self._located(error, lines) from None
        self._rows_before += len(lines)
        return encoded

    def _located(self, error: UnicodeEncodeError, lines: list[bytes]) -> UnencodableError:
        character = error.object[error.start]
        index = next(index for index, line in enumerate(lines) if character in line.decode())
        csv.field_size_limit(sys.maxsize)  # PostgreSQL's cells may be longer than the csv module expects
        cells = next(csv.reader(io.StringIO(lines[index].decode(), newline=""), delimiter=self._dialect.delimiter))
        column = next(heading for heading, cell in zip(self._headings, cells, strict=True) if character in cell)
        return UnencodableError(
            character=character, encoding=self._dialect.encoding, row=self._rows_before + index + 1, column=column
        )


def joined(dialect: Dialect) -> Callable[[list[bytes]], bytes]:
    """A function that joins lines, and also defuses them if the order asks for it."""
    return LineDefuser(delimiter=dialect.delimiter).join if dialect.spreadsheetSafe else b"".join
