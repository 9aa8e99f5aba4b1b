"""A report type's query on its own database session, for an export, a preview or a cost estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reports.chosen_columns import positions_of
from reports.expectation import Expected, expected_rows
from reports.query import Column, compile_query, copy_statement, describe_columns, explain
from reports.reading import reading
from reports.types import ReportType
from tabular.dialect import Dialect

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg import Connection, Cursor


class ReportQuery:
    """The query of a report type for one owner and validated parameters.

    `chosen` are the headings of the columns to write, in their order in the file; None: all, in the query's order.
    """

    def __init__(
        self,
        report_type: ReportType,
        parameters: dict[str, Any],
        owner: AbstractBaseUser,
        *,
        chosen: Sequence[str] | None = None,
    ) -> None:
        self.report_type, self.parameters, self.owner, self.chosen = report_type, parameters, owner, chosen
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
    """Nothing here runs the query: PostgreSQL only parses and plans it. All members can raise database errors.

    Those that depend on the chosen columns also raise UnknownColumnError.
    """

    def __init__(self, opened: ReportQuery, connection: BaseDatabaseWrapper, cursor: Cursor[Any]) -> None:
        self.connection: Connection[Any] = connection.connection
        self._opened, self._cursor = opened, cursor
        self._text = compile_query(opened.query, connection)

    @cached_property
    def columns(self) -> list[Column]:
        """The query's columns, in its order."""
        return describe_columns(self._opened.query, self._text, self._cursor)

    @cached_property
    def all_headings(self) -> list[str]:
        """The headings of the query's columns, as the report type names them."""
        return [self._opened.report_type.heading_of(column.name) for column in self.columns]

    @cached_property
    def chosen(self) -> list[int] | None:
        """The positions of the chosen columns in the query; None: all."""
        wanted = self._opened.chosen
        return None if wanted is None else positions_of(wanted, self.all_headings)

    @property
    def written(self) -> list[tuple[Column, str]]:
        """The columns of the file, with their headings."""
        known = list(zip(self.columns, self.all_headings, strict=True))
        return known if self.chosen is None else [known[position] for position in self.chosen]

    @property
    def headings(self) -> list[str]:
        """The headings of the file."""
        return [heading for _, heading in self.written]

    def copy_statement(self, dialect: Dialect, *, most_rows: int | None = None) -> str:
        """The COPY statement for the whole query, or for its first `most_rows` rows."""
        columns, text = self.columns, self._text  # the columns first: `describe_columns` refuses unsafe text
        if most_rows is not None:
            text = f"SELECT * FROM ({text}\n) AS q LIMIT {most_rows}"  # noqa: S608
        return copy_statement(text, columns, dialect, self._cursor, chosen=self.chosen)

    def explain(self) -> dict[str, Any]:
        """The topmost node of the plan."""
        return explain(self._text, self._cursor)

    def expected_rows(self) -> Expected | None:
        """The expected number of rows of the whole query; None if unknown."""
        opened = self._opened
        return expected_rows(opened.report_type, opened.parameters, opened.owner, plan=self.explain)
