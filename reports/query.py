"""Turn a report type's query into a COPY statement.

COPY accepts no server-side parameters, so psycopg binds them on the client
(https://www.psycopg.org/psycopg3/docs/advanced/cursors.html#client-side-binding-cursors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from psycopg import sql

from reports.cells import cell_expression
from reports.types import SQL
from tabular.dialect import Dialect
from tabular.protocol import Exchange

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg import Cursor

#: `pg_type.typcategory` of numbers.
NUMBER_CATEGORY = "N"
#: Categories of types that a spreadsheet cannot mistake for a formula: boolean, date, number, interval.
HARMLESS_CATEGORIES = frozenset(f"BDT{NUMBER_CATEGORY}")


@dataclass(frozen=True)
class Column:
    """One column of the result: its name in the query, and whether its cells are text or numbers."""

    name: str
    is_text: bool
    is_number: bool = False


def compile_query(query: QuerySet[Any, Any] | SQL, connection: BaseDatabaseWrapper) -> str:
    """The query as SQL text with its parameters bound. Raises TypeError unless it is a QuerySet or SQL."""
    if isinstance(query, SQL):
        text, params = query.text.strip().rstrip(";"), query.params
        return text if params is None else _bind(text, params, connection)
    if isinstance(query, QuerySet):
        compiler = query.query.get_compiler(using=connection.alias, connection=connection, elide_empty=False)
        sql_text, bound = compiler.as_sql()
        return _bind(sql_text, bound, connection)
    raise TypeError(f"query() must return a QuerySet or SQL, not {type(query).__name__}")


def describe_columns(query: QuerySet[Any, Any] | SQL, text: str, cursor: Cursor[Any]) -> list[Column]:
    """The columns of the result of `text`, which is parsed but not run.

    Call this first: it refuses a text that is not one statement with columns, before it is embedded in another.
    """
    described = Exchange(cursor.connection).describe(text)
    cursor.execute("SELECT oid, typcategory FROM pg_type WHERE oid = ANY(%s)", [[oid for _, oid in described]])
    categories: dict[int, str] = dict(cursor.fetchall())
    names = [name for name, _ in described]
    if isinstance(query, QuerySet) and query.query.selected and len(query.query.selected) == len(names):
        names = list(query.query.selected)  # `values("customer__name")` names it in full; SQL only calls it "name"
    return [
        Column(
            name,
            is_text=categories.get(oid) not in HARMLESS_CATEGORIES,
            is_number=categories.get(oid) == NUMBER_CATEGORY,
        )
        for name, (_, oid) in zip(names, described, strict=True)
    ]


def explain(text: str, cursor: Cursor[Any]) -> dict[str, Any]:
    """The plan's topmost node, without running it (https://www.postgresql.org/docs/current/using-explain.html)."""
    plan = json.loads(Exchange(cursor.connection).value(f"EXPLAIN (FORMAT JSON) {text}"))
    node: dict[str, Any] = plan[0]["Plan"]
    return node


def copy_statement(
    text: str,
    columns: Sequence[Column],
    dialect: Dialect,
    cursor: Cursor[Any],
    *,
    chosen: Sequence[int] | None = None,
) -> str:
    """`COPY (…) TO STDOUT` in the order's dialect, with the text cells guarded by `reports.cells`.

    `chosen` are the positions of the columns to write, in their order in the file; None: all.
    """
    written = range(len(columns)) if chosen is None else chosen
    if chosen is not None or any(column.is_text for column in columns):
        text = _with_cells(text, columns, written, dialect).as_string(cursor)
    options = sql.SQL("(FORMAT csv, ENCODING 'UTF8', DELIMITER {})").format(dialect.delimiter).as_string(cursor)
    return f"COPY ({text}\n) TO STDOUT {options}"


def _with_cells(text: str, columns: Sequence[Column], written: Sequence[int], dialect: Dialect) -> sql.Composed:
    """The columns get new names by their positions, so their own may be anything, and may repeat."""
    names = [sql.Identifier(f"c{number}") for number in range(len(columns))]
    return sql.SQL("SELECT {cells} FROM ({text}\n) AS q ({names})").format(
        cells=sql.SQL(", ").join(
            cell_expression(number, names[source], dialect) if columns[source].is_text else names[source]
            for number, source in enumerate(written)
        ),
        text=sql.SQL(text),  # its parameters are already bound
        names=sql.SQL(", ").join(names),
    )


def _bind(text: str, params: Any, connection: BaseDatabaseWrapper) -> str:
    bound = params if isinstance(params, Mapping) else tuple(params)
    return connection.ops.compose_sql(text, bound)  # type: ignore[attr-defined, no-any-return]
