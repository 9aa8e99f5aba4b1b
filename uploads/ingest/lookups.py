"""Foreign keys: from a natural key in the file to the row that it names, among those that the user may refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, ForeignKey, Model
from psycopg import sql

from uploads.columns import Lookup
from uploads.ingest.cells import all_of
from uploads.ingest.compiled import compiled, each_once
from uploads.ingest.pieces import Join, Rule
from uploads.value_types import field_at

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper

_ID, _KEY = sql.Identifier("row_id"), sql.Identifier("row_key")


@dataclass(frozen=True)
class Condition:
    """A further column that the row must match: its key in the file, the path of the related model, and the value."""

    key: str
    path: str
    typed: sql.Composable
    cell: sql.Composable


@dataclass(frozen=True)
class Found:
    """The join of a lookup, the key of the row that was found, and what can be wrong."""

    join: Join
    typed: sql.Composable
    rules: tuple[Rule, ...]


def lookup_of(field: ForeignKey[Any, Any], declared: Lookup | None) -> Lookup:
    """The lookup of a column; without one, the cells are the primary keys themselves."""
    return declared or Lookup(field.target_field.name)


def is_unique(model: type[Model], path: str) -> bool:
    """Whether at most one row of `model` has a given value at `path`, by the model's constraints."""
    *relations, last = path.split("__")
    for name in relations:
        relation = model._meta.get_field(name)
        if not relation.unique:  # type: ignore[union-attr]
            return False
        model = relation.related_model  # type: ignore[assignment]
    field = field_at(model, last)
    if field.unique:
        return True
    alone = [(field.name,), [field.name]]
    constraints = model._meta.total_unique_constraints
    return any(tuple(one) in alone for one in model._meta.unique_together) or any(
        one.fields == (field.name,) for one in constraints
    )


def find(
    connection: BaseDatabaseWrapper,
    field: ForeignKey[Any, Any],
    declared: Lookup | None,
    *,
    key: str,
    user: AbstractBaseUser,
    alias: str,
    typed: sql.Composable,
    cell: sql.Composable,
    conditions: Sequence[Condition],
) -> Found:
    """Join the rows that `typed`, the natural key of the column `key`, names.

    A row outside `Lookup.rows` is not found. A condition that does not hold is an error of the condition's column.
    """
    lookup = lookup_of(field, declared)
    row = sql.Identifier(alias)
    rows = _rows(connection, field, lookup, user, [one.path for one in conditions])
    names = {one.key: sql.Identifier(f"row_c{number}") for number, one in enumerate(conditions)}
    named = sql.SQL(", ").join([_ID, _KEY, *names.values()])
    related: type[Model] = field.related_model
    if is_unique(related, lookup.field):
        join: sql.Composable = sql.SQL("LEFT JOIN ({}) AS {} ({}) ON {}.{} = {}").format(
            rows, row, named, row, _KEY, typed
        )
        ambiguous: tuple[Rule, ...] = ()
    else:
        join = _lateral(rows, row, named, typed, {one.key: (names[one.key], one) for one in conditions})
        ambiguous = (
            Rule(key, "ambiguous-lookup", sql.SQL("({0}.row_count > 1 AND {0}.misses = 0) IS TRUE").format(row), cell),
        )
    found = sql.SQL("{}.{}").format(row, _ID)
    unknown = sql.SQL("({} IS NOT NULL AND {} IS NULL)").format(typed, found)
    mismatches = (
        Rule(
            one.key,
            "unknown-lookup",
            all_of(
                sql.SQL("{} IS NOT NULL").format(found), _differs(sql.SQL("{}.{}").format(row, names[one.key]), one)
            ),
            one.cell,
        )
        for one in conditions
    )
    return Found(Join(join), found, (Rule(key, "unknown-lookup", unknown, cell), *ambiguous, *mismatches))


def _differs(actual: sql.Composable, condition: Condition) -> sql.Composable:
    """Whether the row that was found does not match. An empty cell asks for a row without a value, or an empty text.

    A cell that is not valid has an error of its own.
    """
    empty = sql.SQL("btrim({}) <> ''").format(condition.cell)
    return sql.SQL(
        "CASE WHEN {typed} IS NULL THEN ({filled}) IS NOT TRUE AND {actual}::text <> '' ELSE {differ} END IS TRUE"
    ).format(
        typed=condition.typed,
        filled=empty,
        actual=actual,
        differ=sql.SQL("{} IS DISTINCT FROM {}").format(actual, condition.typed),
    )


def _lateral(
    rows: sql.Composable,
    row: sql.Identifier,
    named: sql.Composable,
    typed: sql.Composable,
    conditions: Mapping[str, tuple[sql.Identifier, Condition]],
) -> sql.Composable:
    """At most one row for each record, with the count (up to 2) of rows that match as well as it does."""
    differs = [_differs(sql.SQL("r.{}").format(name), one) for name, one in conditions.values()]
    misses = sql.SQL(" + ").join([sql.SQL("0"), *(sql.SQL("({})::int").format(one) for one in differs)])
    return sql.SQL(
        "LEFT JOIN LATERAL (SELECT r.*, count(*) OVER (PARTITION BY misses) AS row_count"
        " FROM (SELECT r.*, {misses} AS misses FROM ({rows}) AS r ({named}) WHERE r.{key} = {typed}"
        " ORDER BY misses LIMIT 2) AS r ORDER BY misses LIMIT 1) AS {row} ON true"
    ).format(misses=misses, rows=rows, named=named, key=_KEY, typed=typed, row=row)


def _rows(
    connection: BaseDatabaseWrapper,
    field: ForeignKey[Any, Any],
    lookup: Lookup,
    user: AbstractBaseUser,
    paths: Sequence[str],
) -> sql.Composable:
    """The rows of the related table, each once: what the foreign key refers to, the natural key, the conditions."""
    related: type[Model] = field.related_model
    rows = each_once(connection, related._base_manager.all() if lookup.rows is None else lookup.rows(user))
    wanted = {"row_id": field.target_field.attname, "row_key": _column_path(related, lookup.field)}
    wanted |= {f"row_c{number}": _column_path(related, path) for number, path in enumerate(paths)}
    chosen = rows.annotate(**{f"upload_{name}": F(path) for name, path in wanted.items()})
    return compiled(connection, chosen.values_list(*(f"upload_{name}" for name in wanted)))


def _column_path(model: type[Model], path: str) -> str:
    return path if path == "pk" or not isinstance(field_at(model, path), ForeignKey) else f"{path}_id"
