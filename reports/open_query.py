"""A report type's query on its own database session, for an export, a preview or a cost estimate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reports.expectation import expected_rows
from reports.query import Column, compile_query, copy_statement, describe_columns, explain
from reports.reading import reading
from reports.types import ReportType
from tabular.dialect import Dialect

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg import Connection, Cursor


class ReportQuery:
    """The query of a report type for one owner and validated parameters."""

    def __init__(self, report_type: ReportType, parameters: dict[str, Any], owner: AbstractBaseUser) -> None:
        self.report_type, self.parameters, self.owner = report_type, parameters, owner
        self.query = report_type.query(parameters, owner)

    @contextmanager
    def open(self, alias: str, *, application_name: str, statement_timeout_seconds: int | None) -> Iterator[OpenQuery]:
        """Open a session (`reports.reading`) on the database `alias` and compile the query for it.

        Raises the errors of `compile_query`, and NotReadOnlyError at the end of the block.
        """
        with (
            reading(
                alias, application_name=application_name, statement_timeout_seconds=statement_timeout_seconds
            ) as connection,
            connection.cursor() as wrapper,
        ):
            yield OpenQuery(self, connection, wrapper.cursor)


class OpenQuery:
    """Nothing here runs the query: PostgreSQL only parses and plans it. All members can raise database errors."""

    def __init__(self, opened: ReportQuery, connection: BaseDatabaseWrapper, cursor: Cursor[Any]) -> None:
        self.connection: Connection[Any] = connection.connection
        self._opened, self._cursor = opened, cursor
        self._text = compile_query(opened.query, connection)

    @cached_property
    def columns(self) -> list[Column]:
        """The query's columns, in order."""
        return describe_columns(self._opened.query, self._text, self._cursor)

    @property
    def headings(self) -> list[str]:
        """The headings of the columns, as the report type names them."""
        named = self._opened.report_type.columns
        return [str(named.get(column.name, column.name)) for column in self.columns]

    def copy_statement(self, dialect: Dialect, *, most_rows: int | None = None) -> str:
        """The COPY statement for the whole query, or for its first `most_rows` rows."""
        columns, text = self.columns, self._text  # the columns first: `describe_columns` refuses unsafe text
        if most_rows is not None:
            text = f"SELECT * FROM ({text}\n) AS q LIMIT {most_rows}"  # noqa: S608
        return copy_statement(text, columns, dialect, self._cursor)

    def explain(self) -> dict[str, Any]:
        """The topmost node of the plan."""
        return explain(self._text, self._cursor)

    def expected_rows(self) -> int | None:
        """The expected number of rows of the whole query; None if unknown."""
        opened = self._opened
        return expected_rows(opened.report_type, opened.parameters, opened.owner, plan=self.explain)
