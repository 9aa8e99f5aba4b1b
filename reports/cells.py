"""What PostgreSQL does to each cell of a report: it refuses one that is too large, and defuses formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from django.conf import settings
from psycopg import sql

from jobs.errors import PermanentError
from tabular.dialect import Dialect
from tabular.spreadsheets import BLANKS, formula_starts

#: libpq hands a row over whole, several times as large in memory, so a large cell must not leave the server. SQL has no
#: expression that raises an error, but a cast of a text that is no number does, and quotes the text. It depends on
#: the cell, or the planner would evaluate it.
_REFUSED: Final = "(({marker} || octet_length({c}::text)) || ' bytes')::int"
_IS_LARGE: Final = "octet_length({c}::text) > {most}"
#: `ascii` is the code point of the first character: comparing numbers costs half of what comparing texts does.
_DEFUSED_CELL: Final = sql.SQL(
    f"CASE WHEN {_IS_LARGE} THEN {_REFUSED}::text "
    "WHEN ascii({c}::text) IN ({suspects}) AND left(ltrim({c}::text, {blanks}), 1) IN ({starts}) "
    "THEN '''' || {c}::text ELSE {c}::text END"
)
#: The cell keeps its type: `char(3)` loses its blanks as text.
_PLAIN_CELL: Final = sql.SQL(
    f"CASE WHEN CASE WHEN {_IS_LARGE} THEN {_REFUSED} END IS NULL THEN {{c}} END"  # the inner one is NULL, or raises
)
_REFUSAL: Final = re.compile(r"longhaul: column ([0-9]{1,9}) has ([0-9]{1,10}) bytes")


class CellTooLargeError(PermanentError):
    """A cell has more than MAX_CELL_BYTES."""

    def __init__(self, *, column: str, size: int) -> None:
        most = settings.MAX_CELL_BYTES
        super().__init__(
            f"The column {column} contains a cell of {size:,} bytes; at most {most:,} bytes are allowed.",
            code="cell-too-large",
        )


def cell_expression(number: int, name: sql.Identifier, dialect: Dialect) -> sql.Composed:
    """The text cell in the column of this number, counted from 0, and this name, as it is to be copied."""
    starts = formula_starts(dialect.encoding)
    return (_DEFUSED_CELL if dialect.spreadsheetSafe else _PLAIN_CELL).format(
        c=name,
        most=sql.Literal(settings.MAX_CELL_BYTES),
        marker=sql.Literal(f"longhaul: column {number} has "),
        suspects=sql.SQL(", ").join(sql.Literal(ord(character)) for character in (*starts, *BLANKS)),
        blanks=sql.Literal(BLANKS),
        starts=sql.SQL(", ").join(map(sql.Literal, starts)),
    )


@contextmanager
def large_cells_named(headings: Sequence[str]) -> Iterator[None]:
    """Raise CellTooLargeError where PostgreSQL refused a cell within the block."""
    try:
        yield
    except psycopg.errors.InvalidTextRepresentation as error:
        found = _REFUSAL.search(error.diag.message_primary or "")
        if found is None or int(found[1]) >= len(headings):
            raise
        raise CellTooLargeError(column=headings[int(found[1])], size=int(found[2])) from None
