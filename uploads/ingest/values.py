"""From the staged texts to typed values and rules: the SQL of an upload type over the columns of one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import ForeignKey
from psycopg import sql

from uploads.ingest.cells import all_of
from uploads.ingest.conditions import record_checks
from uploads.ingest.defaults import default_of, lasts
from uploads.ingest.fields import FileColumn, file_columns, read_cell, type_of
from uploads.ingest.formats import ColumnFormat
from uploads.ingest.lookups import Condition, Found, find
from uploads.ingest.pieces import Join, Reading, RowSQL, Rule, Value
from uploads.ingest.rules import StagedColumn, rules_of
from uploads.value_types import choices_of, field_at

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper

    from uploads.types import UploadType

__all__ = ["Join", "RowSQL", "Rule", "Value", "row_sql"]

#: An identifier of PostgreSQL has at most so many bytes.
_LONGEST_NAME = 63


def row_sql(
    connection: BaseDatabaseWrapper,
    upload_type: UploadType,
    *,
    positions: Mapping[str, int],
    width: int,
    user: AbstractBaseUser,
    formats: Mapping[str, ColumnFormat],
    token: str,
) -> RowSQL:
    """What becomes of the records in `pg_temp.staging`.

    `positions`: key of a column → its index in the file, which has `width` columns. `formats` are those of
    `decide_formats`. `token` begins the first cell of a record that is not valid CSV. Fields whose column is not in the
    file have no value.
    """
    present = [one for one in file_columns(upload_type) if one.key in positions]
    staged: dict[str, StagedColumn] = {}
    selected: list[sql.Composable] = [sql.Identifier("record")]
    selected += [_cell(number) for number in sorted(set(positions.values()))]
    for number, one in enumerate(present):
        column_format = formats.get(one.key, ColumnFormat())
        name = sql.Identifier(_name(number, one.key))
        default = _default(connection, upload_type, one)
        typed = _with_empty(read_cell(connection, one, _cell(positions[one.key]), column_format), one, default)
        selected.append(sql.SQL("{} AS {}").format(typed, name))
        cell = _cell(positions[one.key], "s")
        reading = read_cell(connection, one, cell, column_format)
        staged[one.key] = StagedColumn(one, cell, sql.SQL("s.{}").format(name), reading, default)
    values: list[Value] = []
    joins: list[Join] = []
    rules: list[Rule] = []
    for key in (key for key in upload_type.columns if key in staged):
        field, filled = field_at(upload_type.model, key), staged[key]
        rules += rules_of(connection, filled, field)
        typed = filled.typed
        if isinstance(field, ForeignKey):
            found = _look_up(connection, upload_type, field, staged, key, user, alias=f"l_{len(joins)}")
            joins.append(found.join)
            rules += found.rules
            typed = found.typed
        digested = filled.cell if upload_type.columns[key].empty == "default" and not lasts(field) else None
        values.append(Value(key, str(field.column), type_of(connection, field), typed, digested))
    join, checks = record_checks(connection, upload_type, values, staged)
    columns = sql.SQL(", ").join(selected)
    return RowSQL(columns, is_record(width, token), tuple(values), (*joins, *join), (*rules, *checks))


def _look_up(
    connection: BaseDatabaseWrapper,
    upload_type: UploadType,
    field: ForeignKey[Any, Any],
    staged: Mapping[str, StagedColumn],
    key: str,
    user: AbstractBaseUser,
    *,
    alias: str,
) -> Found:
    """The lookup of a column, with the rules of its conditions' cells, and its default for an empty cell."""
    one = staged[key]
    lookup = upload_type.columns[key].lookup
    paths = {f"{key}.{path}": path for path in (lookup.conditions if lookup else ())}
    conditions = [
        Condition(name, path, staged[name].typed, staged[name].cell) for name, path in paths.items() if name in staged
    ]
    found = find(
        connection, field, lookup, key=key, user=user, alias=alias, typed=one.typed, cell=one.cell,
        conditions=conditions,
    )  # fmt: skip
    of_cells = [rule for condition in conditions for rule in rules_of(connection, staged[condition.key], field)]
    typed = found.typed
    if one.default is not None:
        typed = sql.SQL("CASE WHEN {} IS TRUE THEN {} ELSE {} END").format(one.reading.present, typed, one.default)
    return Found(found.join, typed, (*found.rules, *of_cells))


def is_record(width: int, token: str) -> sql.Composable:
    """Whether a staged record holds cells: it is valid CSV and not blank."""
    some = sql.SQL("COALESCE({}) IS NOT NULL").format(sql.SQL(", ").join(map(_cell, range(width))))
    return all_of(some, is_valid_record(token))


def is_valid_record(token: str) -> sql.Composable:
    """Whether a staged record was valid CSV."""
    return sql.SQL("(c0 IS NULL OR NOT starts_with(c0, {}))").format(sql.Literal(token))


def _cell(number: int, alias: str = "") -> sql.Composable:
    return sql.Identifier(alias, f"c{number}") if alias else sql.Identifier(f"c{number}")


def _name(number: int, key: str) -> str:
    """`v_<key>`, or `v_<number>` if PostgreSQL would cut it."""
    name = f"v_{key}"
    return name if len(name.encode()) <= _LONGEST_NAME else f"v_{number}"


def _default(connection: BaseDatabaseWrapper, upload_type: UploadType, one: FileColumn) -> sql.Composable | None:
    """What an empty cell becomes; None for NULL."""
    if one.column is None or one.column.empty == "null":
        return None
    if one.column.empty == "blank":
        return sql.SQL("''") if one.is_text and not one.column.lookup else None
    return default_of(connection, field_at(upload_type.model, one.key))


def _with_empty(reading: Reading, one: FileColumn, default: sql.Composable | None) -> sql.Composable:
    """The typed value, or the default if the cell is empty. A foreign key gets its default after the lookup."""
    if one.is_relation:
        is_plain_text = one.is_text and not choices_of(one.cell_field, one.column)
        return sql.SQL("NULLIF({}, '')").format(reading.typed) if is_plain_text else reading.typed
    if default is None:
        return reading.typed
    return sql.SQL("CASE WHEN {} IS TRUE THEN {} ELSE {} END").format(reading.present, reading.typed, default)
