"""SQL for the text cells of a report: PostgreSQL refuses a cell that is too large, and defuses formulas."""

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

#: libpq buffers whole rows, at several times their size, so a large cell must not leave the server. SQL has no
#: expression that raises an error, but casting a non-numeric text to a number does, and the error quotes the text.
#: The text includes the size of the cell; a constant cast would be evaluated, and fail, at planning.
_REFUSED: Final = "(({marker} || octet_length({c}::text)) || ' bytes')::int"
_IS_LARGE: Final = "octet_length({c}::text) > {most}"
#: `ascii` returns the code point of the first character: comparing numbers costs half as much as comparing texts.
_DEFUSED_CELL: Final = sql.SQL(
    f"CASE WHEN {_IS_LARGE} THEN {_REFUSED}::text "
    "WHEN ascii({c}::text) IN ({suspects}) AND left(ltrim({c}::text, {blanks}), 1) IN ({starts}) "
    "THEN '''' || {c}::text ELSE {c}::text END"
)
#: The cell keeps its type: a cast to text would strip the trailing blanks of `char(3)`.
_PLAIN_CELL: Final = sql.SQL(
    f"CASE WHEN CASE WHEN {_IS_LARGE} THEN {_REFUSED} END IS NULL THEN {{c}} END"  # the inner CASE is NULL or raises
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
    """The SQL expression for a cell of the text column `name`, whose `number` counts from 0."""
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
    """Raise CellTooLargeError if PostgreSQL refuses a cell within the block."""
    try:
        yield
    except psycopg.errors.InvalidTextRepresentation as error:
        found = _REFUSAL.search(error.diag.message_primary or "")
        if found is None or int(found[1]) >= len(headings):
            raise
        raise CellTooLargeError(column=headings[int(found[1])], size=int(found[2])) from None
