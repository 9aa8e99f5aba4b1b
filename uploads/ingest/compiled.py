"""QuerySets as SQL texts without parameters, to be parts of larger statements."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from psycopg import sql


def compiled(connection: BaseDatabaseWrapper, rows: QuerySet[Any]) -> sql.Composable:
    """The SELECT of a QuerySet, with its parameters written into it by psycopg."""
    compiler = rows.using(connection.alias).query.get_compiler(
        using=connection.alias, connection=connection, elide_empty=False
    )
    text, parameters = compiler.as_sql()
    return sql.SQL(connection.ops.compose_sql(text, parameters))  # type: ignore[attr-defined]


def is_restricted(rows: QuerySet[Any]) -> bool:
    """Whether a QuerySet leaves out rows of its table."""
    return str(rows.order_by().query) != str(rows.model._default_manager.order_by().query)
