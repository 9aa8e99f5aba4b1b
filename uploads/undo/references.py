"""What refers to the rows of a table: foreign keys of the database, and those that only Django knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from psycopg import sql

from uploads.ingest.session import Session


@dataclass(frozen=True)
class Reference:
    """A foreign key of another table, or of the same one: its columns, and those that they refer to."""

    table: tuple[str, ...]
    columns: tuple[str, ...]
    referred: tuple[str, ...]

    def exists(self) -> sql.Composable:
        """Whether a row refers to the row `t`."""
        return sql.SQL("EXISTS (SELECT FROM {table} AS r WHERE {same})").format(
            table=sql.Identifier(*self.table),
            same=sql.SQL(" AND ").join(
                sql.SQL("r.{} = t.{}").format(sql.Identifier(column), sql.Identifier(referred))
                for column, referred in zip(self.columns, self.referred, strict=True)
            ),
        )


def is_referenced(session: Session, model: type[Model]) -> sql.Composable:
    """Whether any row refers to the row `t` of the model's table."""
    found = [reference.exists() for reference in _references(session, model)]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(found)) if found else sql.SQL("false")


def _references(session: Session, model: type[Model]) -> Iterable[Reference]:
    return dict.fromkeys([*_of_database(session, model), *_of_django(model)])


def _of_database(session: Session, model: type[Model]) -> Iterator[Reference]:
    """The constraints, also of tables that no model describes. Those of partitions repeat that of their table."""
    table = sql.Identifier(model._meta.db_table).as_string(session.connection.connection)
    for schema, name, columns, referred in session.fetch_all(
        sql.SQL(
            "SELECT n.nspname, r.relname, ("
            "  SELECT array_agg(a.attname::text ORDER BY k.place)"
            "  FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place)"
            "  JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number"
            " ), ("
            "  SELECT array_agg(a.attname::text ORDER BY k.place)"
            "  FROM unnest(c.confkey) WITH ORDINALITY AS k (number, place)"
            "  JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.number"
            " ) FROM pg_constraint AS c JOIN pg_class AS r ON r.oid = c.conrelid"
            " JOIN pg_namespace AS n ON n.oid = r.relnamespace"
            " WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = {}::regclass ORDER BY 1, 2, c.oid"
        ).format(sql.Literal(table))
    ):
        yield Reference((schema, name), tuple(columns), tuple(referred))


def _of_django(model: type[Model]) -> Iterator[Reference]:
    """Relations without a constraint."""
    for relation in model._meta.get_fields(include_hidden=True):
        field: Any = getattr(relation, "field", None)
        if not relation.auto_created or relation.concrete or getattr(field, "db_constraint", True):
            continue
        if field.many_to_one or field.one_to_one:
            related = field.model._meta
            if related.managed or not related.proxy:
                yield Reference((related.db_table,), (field.column,), (field.target_field.column,))
