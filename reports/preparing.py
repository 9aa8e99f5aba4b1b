"""From a report type's query to the statement that reads it, alike for a report and its preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.expectation import expected_rows
from reports.query import compile_query, copy_statement, describe_columns
from reports.types import ReportType
from tabular.dialect import Dialect

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Prepared:
    """`statement` is a COPY; `expected_rows` are those of the whole query, None where nobody knows."""

    statement: str
    headings: list[str]
    expected_rows: int | None


def prepare_copy(
    report_type: ReportType,
    parameters: dict[str, Any],
    owner: AbstractBaseUser,
    *,
    query: Any,
    dialect: Dialect,
    connection: BaseDatabaseWrapper,
    most_rows: int | None = None,
) -> Prepared:
    """Of what the type's `query()` has returned; of its first rows only, if `most_rows` says so. Nothing is run.

    Raises what `compile_query` does, and what the database says of the query.
    """
    with connection.cursor() as wrapper:
        cursor = wrapper.cursor
        text = compile_query(query, connection)
        columns = describe_columns(query, text, cursor)
        read = text if most_rows is None else f"SELECT * FROM ({text}\n) AS q LIMIT {most_rows}"  # noqa: S608
        return Prepared(
            statement=copy_statement(read, columns, dialect, cursor),
            headings=[str(report_type.columns.get(column.name, column.name)) for column in columns],
            expected_rows=expected_rows(report_type, parameters, owner, text=text, cursor=cursor),
        )
