"""The decimal separator of a column of numbers, decided from all its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from uploads.ingest.cells import cleaned, matches
from uploads.ingest.fields import FileColumn
from uploads.ingest.numbers import Point, number_pattern
from uploads.ingest.pieces import AmbiguousFormatError
from uploads.row_codes import message_for
from uploads.row_codes.files import AMBIGUOUS_DECIMAL

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def decide_decimal(
    connection: BaseDatabaseWrapper,
    cell: sql.Composable,
    records: sql.Composable,
    column: FileColumn,
    *,
    is_sensitive: bool,
) -> Point:
    """The separator with which all numbers of the column can be read; `records` is a FROM clause.

    The error quotes no sensitive cell. `1,234` alone can be a little more than one, or more than a thousand.

    Raises AmbiguousFormatError.
    """
    clean = cleaned(sql.Identifier("cell"))
    statement = sql.SQL(
        "SELECT bool_and(point), bool_and(comma), min(cell) FILTER (WHERE point)"
        " FROM (SELECT cell, {} AS point, {} AS comma FROM (SELECT DISTINCT {} AS cell {}) AS cells OFFSET 0) AS n"
        " WHERE (point OR comma) AND cell ~ '[.,]'"
    ).format(matches(clean, number_pattern(".")), matches(clean, number_pattern(",")), cell, records)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: tuple[Any, ...] = cursor.fetchone() or ()
    point, comma, sample = found
    if point is None:  # no numbers
        return "."
    if point != comma:
        return "." if point else ","
    detail = message_for(
        AMBIGUOUS_DECIMAL,
        is_sensitive=is_sensitive,
        heading=column.heading,
        value=sample if point else None,  # else the cells contradict each other, but none of them is doubtful
    )
    raise AmbiguousFormatError(AMBIGUOUS_DECIMAL, detail)
