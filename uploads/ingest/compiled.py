"""QuerySets as SQL texts without parameters, to be parts of larger statements."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ForeignKey, QuerySet
from psycopg import sql


def compiled(connection: BaseDatabaseWrapper, rows: QuerySet[Any]) -> sql.Composable:
    """The SELECT of a QuerySet, with its parameters written into it by psycopg. It is a SELECT even for no rows."""
    compiler = rows.using(connection.alias).query.get_compiler(
        using=connection.alias, connection=connection, elide_empty=False
    )
    text, parameters = compiler.as_sql()
    return sql.SQL(connection.ops.compose_sql(text, parameters))  # type: ignore[attr-defined]


def each_once(connection: BaseDatabaseWrapper, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The same rows, each once and in no order, as a QuerySet to which further conditions and joins can be added."""
    query = rows.query
    if query.combinator or query.is_sliced or query.distinct or query.group_by or _may_repeat(rows):
        rows = QuerySet(rows.model).filter(pk__in=rows.using(connection.alias).values("pk"))
    return rows.using(connection.alias).order_by()


def allowed_keys(connection: BaseDatabaseWrapper, rows: QuerySet[Any]) -> sql.Composable | None:
    """The SELECT of the primary keys of these rows, each once; None if they are all rows of the table."""
    allowed = compiled(connection, each_once(connection, rows).values("pk"))
    # No manager is asked: each may leave out rows, such as deleted ones.
    whole_table = compiled(connection, each_once(connection, QuerySet(rows.model)).values("pk"))
    return None if allowed == whole_table else allowed


def _may_repeat(rows: QuerySet[Any]) -> bool:
    """Whether a row may come several times, because a join does not follow a foreign key."""
    joins = list(rows.query.alias_map.values())[1:]
    return not all(isinstance(getattr(join, "join_field", None), ForeignKey) for join in joins)
