"""How the cells of each column are written, decided from all of them where the upload type leaves it open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from uploads.ingest.cells import any_of, is_filled, is_guarded, starts_formula
from uploads.ingest.date_formats import decide_dates
from uploads.ingest.decimal_formats import decide_decimal
from uploads.ingest.fields import FileColumn, file_columns
from uploads.ingest.pieces import AmbiguousFormatError, ColumnFormat
from uploads.value_types import choices_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from uploads.types import UploadType

__all__ = ["AmbiguousFormatError", "ColumnFormat", "decide_formats"]

_DATES: Final = ("date", "datetime")
_NUMBERS: Final = ("decimal", "float")
#: What makes a column doubtful → a cheap test of one cell, which no cell of a column in the usual format passes.
_DOUBTS: Final = {
    "date": "{0} <> '' AND {0} NOT LIKE '____-__-__%'",
    "number": "{0} LIKE '%,%' OR {0} LIKE '%.%.%'",
    "guarded": "{0} LIKE '''%'",
    "wrapped": "{0} LIKE '=\"%'",
}


@dataclass(frozen=True)
class _Doubt:
    kind: str
    of: FileColumn
    cell: sql.Composable


def decide_formats(
    connection: BaseDatabaseWrapper,
    upload_type: UploadType,
    *,
    positions: Mapping[str, int],
    token: str,
    delimiter: str = ",",
) -> dict[str, ColumnFormat]:
    """The format of each column of the file, by its key. Reads `pg_temp.staging`, once if there is nothing to decide.

    Arguments are as for `row_sql`; `delimiter` is the file's. Raises AmbiguousFormatError, a file error.
    """
    columns = [one for one in file_columns(upload_type) if one.key in positions]
    formats = {one.key: _declared(one) for one in columns}
    doubts = [
        _Doubt(kind, one, sql.Identifier(f"c{positions[one.key]}")) for one in columns for kind in _possible_doubts(one)
    ]
    records = sql.SQL("FROM pg_temp.staging WHERE (c0 IS NULL OR NOT starts_with(c0, {}))").format(sql.Literal(token))
    doubtful = _doubtful(connection, doubts, records)
    for doubt in doubtful:
        key, one = doubt.of.key, doubt.of
        hidden = upload_type.hides(key)
        match doubt.kind:
            case "date":
                dates = decide_dates(connection, doubt.cell, records, one, is_sensitive=hidden)
                formats[key] = replace(formats[key], dates=dates)
            case "number":
                point = decide_decimal(connection, doubt.cell, records, one, is_sensitive=hidden)
                formats[key] = replace(formats[key], decimal=point)
            case "wrapped":
                formats[key] = replace(formats[key], wrapped=_all_wrapped(connection, doubt.cell, records))
    if any(doubt.kind == "guarded" for doubt in doubtful):
        texts = [doubt for doubt in doubts if doubt.kind == "guarded"]
        if _is_guarded(connection, [doubt.cell for doubt in texts], records):
            keys = [doubt.of.key for doubt in texts]
            formats |= {key: replace(formats[key], guarded=True, delimiter=delimiter) for key in keys}
    return formats


def _declared(one: FileColumn) -> ColumnFormat:
    if one.column is None:
        return ColumnFormat()
    return ColumnFormat(dates=tuple(one.column.formats), decimal=one.column.decimal or ".")


def _possible_doubts(one: FileColumn) -> Iterator[str]:
    if choices_of(one.cell_field, one.column):
        return
    if one.type in _DATES and not (one.column and one.column.formats):
        yield "date"
    if one.type in _NUMBERS and not (one.column and one.column.decimal):
        yield "number"
    if one.is_text:
        yield "guarded"
    if one.is_free_text:
        yield "wrapped"


def _doubtful(connection: BaseDatabaseWrapper, doubts: Sequence[_Doubt], records: sql.Composable) -> list[_Doubt]:
    if not doubts:
        return []
    tests = [sql.SQL("bool_or({})").format(sql.SQL(_DOUBTS[one.kind]).format(one.cell)) for one in doubts]
    found = _row(connection, sql.SQL(", ").join(tests), records)
    return [one for one, is_doubtful in zip(doubts, found, strict=True) if is_doubtful]


def _all_wrapped(connection: BaseDatabaseWrapper, cell: sql.Composable, records: sql.Composable) -> bool:
    """Whether each cell that holds anything is written `="…"`: then it is how the column was exported."""
    test = sql.SQL("bool_and({0} LIKE '=\"%\"') FILTER (WHERE {1})").format(cell, is_filled(cell))
    return _row(connection, test, records) == (True,)


def _is_guarded(connection: BaseDatabaseWrapper, cells: Sequence[sql.Composable], records: sql.Composable) -> bool:
    """Whether the file was written by `tabular.spreadsheets.defuse`: there are guarded texts, and no unguarded formula.

    A text that began with an apostrophe and a sign from the start loses the apostrophe in such a file.
    """
    guarded = any_of(*(sql.SQL("{} IS TRUE").format(is_guarded(cell)) for cell in cells))
    unguarded = any_of(*(sql.SQL("{} IS TRUE").format(starts_formula(cell)) for cell in cells))
    return _row(connection, sql.SQL("bool_or({}), bool_or({})").format(guarded, unguarded), records) == (True, False)


def _row(connection: BaseDatabaseWrapper, selected: sql.Composable, records: sql.Composable) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {} {}").format(selected, records))
        found: tuple[Any, ...] = cursor.fetchone() or ()
    return found
