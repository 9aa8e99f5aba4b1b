"""The table that the rows go to, and how a record finds its row in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field
from psycopg import sql

from uploads.indexes import unique_groups
from uploads.ingest.compiled import allowed_keys
from uploads.ingest.defaults import fixed_values
from uploads.ingest.fields import literal
from uploads.ingest.pieces import RowSQL, Rule, Value
from uploads.types import UploadType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Half of what the types of primary keys can hold, so that as many numbers are left to the sequence.
HIGHEST_KEYS: Final = {"smallint": 2**14, "integer": 2**30, "bigint": 2**62}
NULL = sql.SQL("NULL::text")


def database_of(upload_type: UploadType) -> str:
    """The alias of the database that the rows go to."""
    return upload_type.database or router.db_for_write(upload_type.model)


@dataclass(frozen=True)
class Target:
    """The target of one upload. In FROM clauses the table is `t`, and `a` is the part of it that the user may touch."""

    upload_type: UploadType
    user: AbstractBaseUser
    row: RowSQL
    connection: BaseDatabaseWrapper

    @property
    def table(self) -> sql.Identifier:
        """The table's name."""
        return sql.Identifier(self.upload_type.model._meta.db_table)

    @property
    def pk(self) -> sql.Identifier:
        """The column of the primary key."""
        return self.column("pk")

    @cached_property
    def values(self) -> dict[str, Value]:
        """The fields that the file carries, by name."""
        return {value.field: value for value in self.row.values}

    @cached_property
    def fixed(self) -> dict[str, Any]:
        """The `fixed_values` of fields."""
        return fixed_values(self.upload_type, self.user)

    @property
    def key(self) -> Sequence[str]:
        """The fields of the natural key; empty if rows are only inserted."""
        return self.upload_type.key

    @property
    def changing(self) -> list[Value]:
        """The fields that an update may change."""
        return [value for value in self.row.values if value.field not in self.key]

    @property
    def pk_field(self) -> str:
        """The field of the primary key."""
        return str(self.upload_type.model._meta.pk.name)

    def column(self, name: str) -> sql.Identifier:
        """The column of a field, as SQL."""
        return sql.Identifier(self.column_name(name))

    def column_name(self, name: str) -> str:
        """The column of a field."""
        return str(self._field(name).column)

    def typed(self, name: str) -> sql.Composable:
        """A record's value of a field of the file, or the fixed value."""
        return self.values[name].typed if name in self.values else self._fixed(name)

    def planned(self, name: str) -> sql.Composable:
        """The same, from the temporary table `plan`, which is called `p`."""
        if name in self.values:
            return sql.Identifier("p", planned_column(self.values[name]))
        return self._fixed(name)

    def joins(self) -> sql.Composable:
        """The joins of the target behind those of the lookups; nothing if records have no key."""
        if not self.key:
            return sql.SQL("")
        on = sql.SQL(" AND ").join(
            sql.SQL("t.{} = {}").format(self.column(name), self.typed(name)) for name in self.key
        )
        joins = sql.SQL(" LEFT JOIN {} AS t ON {}").format(self.table, on)
        if self._allowed is not None:
            joins += sql.SQL(" LEFT JOIN ({}) AS a (pk) ON a.pk = t.{}").format(self._allowed, self.pk)
        return joins

    def rules(self) -> Iterator[Rule]:
        """What can be wrong with a record because of the table's sequence and the rows that it has."""
        if self.pk_field in self.values:
            yield from self._pk_rules(self.values[self.pk_field])
        if not self.key:
            return
        unknown = sql.SQL("t.{} IS NULL").format(self.pk)
        known = sql.SQL("t.{} IS NOT NULL").format(self.pk)
        foreign = sql.SQL("({} AND a.pk IS NULL)").format(known)
        has_key = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(self.typed(name)) for name in self.key)
        match self.upload_type.mode:
            case "update":
                missing = sql.SQL("({} OR {})").format(unknown, foreign) if self._allowed is not None else unknown
                yield self._rule("not-found", sql.SQL("({} AND {})").format(has_key, missing))
            case "insert":
                yield self._rule("already-exists", known)
            case "upsert" if self._allowed is not None:
                yield self._rule("key-not-available", foreign)

    def is_unchanged(self) -> sql.Composable:
        """Whether the row of the table already has the record's values."""
        pairs = [
            sql.SQL("t.{} IS NOT DISTINCT FROM {}").format(sql.Identifier(value.column), value.typed)
            for value in self.changing
        ]
        return sql.SQL("({})").format(sql.SQL(" AND ").join(pairs)) if pairs else sql.SQL("true")

    def unique_sets(self) -> Iterator[tuple[str, ...]]:
        """Further sets of fields whose values must be unique, and all of which a record brings."""
        brought = self.values.keys() | self.fixed.keys()
        for names in dict.fromkeys(unique_groups(self.upload_type.model, at_commit=True)):
            if set(names) <= brought and set(names) & self.values.keys() and set(names) != set(self.key):
                yield names

    @property
    def key_text(self) -> sql.Composable:
        """The natural key of a planned record, as a text for messages."""
        parts = [sql.SQL("{}::text").format(self.planned(name)) for name in self.key if name in self.values]
        if len(parts) == 1:  # of one part, `concat_ws` makes the same
            return sql.SQL("coalesce({}, '')").format(*parts)
        return sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(parts)) if parts else NULL

    def _pk_rules(self, pk: Value) -> Iterator[Rule]:
        """Keys that leave too few numbers to the table's sequence, which is moved behind them, are out of range."""
        highest = HIGHEST_KEYS.get(pk.type)
        if highest is not None:
            too_high = sql.SQL("({} > {}) IS TRUE").format(pk.typed, highest)
            yield Rule(pk.field, "out-of-range", too_high, sql.SQL("{}::text").format(pk.typed))

    def _rule(self, code: str, violated: sql.Composable) -> Rule:
        key = next((name for name in self.key if name in self.values), "")
        text = sql.SQL("{}::text").format(self.values[key].typed) if key else NULL
        return Rule(key, code, violated, text)

    @cached_property
    def _allowed(self) -> sql.Composable | None:
        """The primary keys of the rows that the user may touch; None: all rows of the table."""
        return allowed_keys(self.connection, self.upload_type.rows_of(self.user))

    def _fixed(self, name: str) -> sql.Composable:
        return literal(self.connection, self._field(name), self.fixed[name])

    def _field(self, name: str) -> Field[Any, Any]:
        meta = self.upload_type.model._meta
        found: Any = meta.pk if name == "pk" else meta.get_field(name)
        return found  # type: ignore[no-any-return]


def planned_column(value: Value) -> str:
    """The column of the temporary table `plan` that holds a value."""
    return f"v_{value.field}"
