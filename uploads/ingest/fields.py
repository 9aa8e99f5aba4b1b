"""The field of a model behind each column of the file, and how its cells are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from uploads.columns import Column
from uploads.ingest.documents import read_json
from uploads.ingest.moments import read_date, read_duration, read_moment, read_time
from uploads.ingest.numbers import read_decimal, read_float, read_integer
from uploads.ingest.pieces import ColumnFormat, Reading
from uploads.ingest.texts import read_address, read_boolean, read_text, read_uuid, read_words
from uploads.value_types import AnyField, choices_of, field_at, target_of, value_type

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from uploads.types import UploadType


_SIMPLE: Final[dict[str | None, Callable[[sql.Composable], Reading]]] = {
    "boolean": read_boolean,
    "duration": read_duration,
    "uuid": read_uuid,
    "json": read_json,
}
_MOMENTS: Final[dict[str | None, Callable[[sql.Composable, Sequence[str]], Reading]]] = {
    "date": read_date,
    "time": read_time,
    "datetime": read_moment,
}
#: A cast to such a type cuts texts in silence.
_TEXT_WITH_LENGTH: Final = re.compile(r"\b(var)?char\(\d+\)")


@dataclass(frozen=True)
class FileColumn:
    """A column of the file: its key in `known_headings()`, and the field whose type its cells have.

    `column` is its declaration, or None for a condition of a lookup. For a lookup, `cell_field` is the natural key of
    the related model; else it is the model's own field, or the one that a foreign key refers to. `is_relation`: the
    cells help to find another row.
    """

    key: str
    column: Column | None
    cell_field: AnyField
    is_key: bool
    is_relation: bool
    heading: str

    @property
    def type(self) -> str | None:
        """The type of the cells; see `value_type`."""
        return value_type(self.cell_field)

    @property
    def is_text(self) -> bool:
        """Whether PostgreSQL keeps the cells as text."""
        return self.type == "text"

    @property
    def is_free_text(self) -> bool:
        """Whether people write into it what they like: not a key, not a lookup, not one of several choices."""
        named = self.is_key or self.column is None or self.column.lookup or choices_of(self.cell_field, self.column)
        return self.is_text and not named and self.cell_field.get_internal_type() != "SlugField"


def file_columns(upload_type: UploadType) -> Iterable[FileColumn]:
    """All columns that a file of this type may have."""
    for name, column in upload_type.columns.items():
        field = field_at(upload_type.model, name)
        lookup = column.lookup
        cells = field_at(upload_type.model, f"{name}__{lookup.field}") if lookup else field
        yield FileColumn(name, column, target_of(cells), name in upload_type.key, field.is_relation, column.heading)
        for condition, heading in lookup.conditions.items() if lookup else ():
            cells = target_of(field_at(upload_type.model, f"{name}__{condition}"))
            yield FileColumn(f"{name}.{condition}", None, cells, is_key=False, is_relation=True, heading=heading)


def literal(connection: BaseDatabaseWrapper, field: AnyField, value: Any) -> sql.Composable:
    """A value of a field as SQL, with its type. A text that is too long is not cut, so that the table refuses it."""
    prepared = field.get_db_prep_save(value, connection)
    if hasattr(prepared, "as_sql"):
        text, params = prepared.as_sql(None, connection)
        return sql.SQL(connection.ops.compose_sql(text, params))  # type: ignore[attr-defined]
    uncut = _TEXT_WITH_LENGTH.sub("varchar", type_of(connection, field))
    return sql.SQL("CAST({} AS {})").format(sql.Literal(prepared), sql.SQL(uncut))


def type_of(connection: BaseDatabaseWrapper, field: AnyField) -> str:
    """The PostgreSQL type of a field. Raises TypeError for a field without a column."""
    name = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    if name is None:
        raise TypeError(f"{field} has no column")
    return name


def read_cell(
    connection: BaseDatabaseWrapper, one: FileColumn, cell: sql.Composable, column_format: ColumnFormat
) -> Reading:
    """How a cell of this column is read."""
    field = one.cell_field
    if words := choices_of(field, one.column):
        literals = {
            word: sql.NULL if value is None else literal(connection, field, value) for word, value in words.items()
        }
        return read_words(cell, literals, is_text=one.is_text)
    if one.is_text:
        guarded_in = column_format.delimiter if column_format.guarded else None
        return read_text(cell, guarded_in=guarded_in, wrapped=column_format.wrapped or not one.is_free_text)
    if one.type in _SIMPLE:
        return _SIMPLE[one.type](cell)
    if one.type in _MOMENTS:
        return _MOMENTS[one.type](cell, column_format.dates)
    match one.type:
        case "integer":
            return read_integer(cell, type_of(connection, field))
        case "decimal":
            digits, places = field.max_digits, field.decimal_places  # type: ignore[attr-defined]
            return read_decimal(cell, digits=digits, places=places, point=column_format.decimal)
        case "float":
            return read_float(cell, point=column_format.decimal)
        case "ip-address":
            return read_address(cell, field.protocol)  # type: ignore[attr-defined]
    raise TypeError(f"no cell can be read for {field}")
