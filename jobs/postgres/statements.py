"""Statements that PostgreSQL prepares: planned once, and now and then again.

Their texts stand where they are used; those that each job goes through in `jobs.dispatch.statements`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model
from psycopg.rows import dict_row

AnyModel = TypeVar("AnyModel", bound=Model)
Asked = TypeVar("Asked")
Rows = list[dict[str, Any]]

#: A plan is made for the tables as they are: where they were small, without an index. Ten thousand orders later that
#: plan is still there, unless PostgreSQL has looked at the table meanwhile; so another text makes it plan again, after
#: so many statements. Planning takes longer than most of them, and each connection plans for itself: so not more often
#: than this. Seconds.
PLAN_ANEW_AFTER: Final = 500
PLANS_LAST_SECONDS: Final = 5.0
#: The function of PostgreSQL that says "cached plan must not change result type", in whatever language.
#: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/cache/plancache.c
OUTDATED: Final = "RevalidateCachedQuery"


def fetch_all(statement: str, **parameters: Any) -> Rows:
    """Run a statement on Django's connection, and return its rows.

    Its parameters are bound by the server, which Django's own cursors do not do; so psycopg prepares it, and
    PostgreSQL plans it once (https://www.psycopg.org/psycopg3/docs/advanced/prepare.html), and now and then anew.
    """
    rows: Rows = execute(statement, **parameters).fetchall()
    return rows


def execute(statement: str, **parameters: Any) -> CursorWrapper:
    """Run a statement; its rows are read later, which within `pipeline` is when it is waited for.

    A statement whose columns have changed type since it was planned is planned again. Within a transaction, which
    PostgreSQL has undone by then, the error is raised, and it is the next transaction that succeeds.
    """
    return planned_again(partial(_execute, _connected(), statement, parameters))


def planned_again(act: Callable[[], Asked]) -> Asked:
    """Call `act`; once more, where a statement of it was refused because of its plan and its transaction undone."""
    try:
        return act()
    except NotSupportedError as error:
        if not _plans.are_outdated(error) or connection.in_atomic_block:
            raise
        return act()


def _execute(database: BaseDatabaseWrapper, statement: str, parameters: dict[str, Any]) -> CursorWrapper:
    # As Django's own, with its error types and its log of queries, over another of psycopg's cursors.
    wrap: Any = database.make_debug_cursor if database.queries_logged else database.make_cursor
    cursor: CursorWrapper = wrap(psycopg.Cursor(database.connection, row_factory=dict_row))
    cursor.execute(f"{statement} -- plan {_plans.current()}", parameters)
    return cursor


def is_outdated_plan(error: BaseException) -> bool:
    """Whether PostgreSQL refuses a plan because its result has other types by now."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.diag.source_function == OUTDATED


class _Plans:
    """Which plans are to be used: a number. Threads that count at the same time only miss each other's count."""

    number = asked = 0
    since = 0.0

    def current(self) -> int:
        self.asked += 1
        if self.asked > PLAN_ANEW_AFTER and time.monotonic() - self.since >= PLANS_LAST_SECONDS:
            self.renew()
        return self.number

    def renew(self) -> None:
        """From now on every statement has another text, so each session plans it again."""
        self.number, self.asked, self.since = self.number + 1, 0, time.monotonic()

    def are_outdated(self, error: NotSupportedError) -> bool:
        """Whether that is what PostgreSQL says; new plans are used then."""
        if outdated := is_outdated_plan(error):
            self.renew()
        return outdated


_plans = _Plans()


@contextmanager
def pipeline() -> Iterator[None]:
    """Send the statements of the block at once, as far as they do not wait for each other's rows.

    They are one transaction where the caller has none, and each sees what was committed when it begins
    (https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html).
    """
    database = _connected()
    try:
        with database.wrap_database_errors, database.connection.pipeline():
            yield
    except NotSupportedError as error:
        _plans.are_outdated(error)
        raise


def _connected() -> BaseDatabaseWrapper:
    """Django's connection, looked at as before each of its own cursors: a session may have ended between two tasks."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    return database


def instance_of(model: type[AnyModel], row: dict[str, Any], *, prefix: str = "") -> AnyModel:
    """A row that holds all columns of a table, their names behind `prefix`, as Django would have read it."""
    fields = model._meta.concrete_fields
    values = [_converted(field, row[f"{prefix}{field.column}"]) for field in fields]
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], values)


def columns_of(model: type[Model], table: str, *, prefix: str = "") -> str:
    """The columns of a model as a list for SELECT, for `instance_of`.

    A prepared statement that returns `*` is refused once somebody has added or dropped a column of the table.
    """
    names = [str(field.column) for field in model._meta.concrete_fields]
    quote = connection.ops.quote_name
    return ", ".join(
        f"{table}.{quote(name)} AS {quote(prefix + name)}" if prefix else f"{table}.{name}" for name in names
    )


def squeeze(statement: str) -> str:
    """Psycopg remembers how to send a statement of up to 4,096 characters. Raises ValueError for a comment."""
    if "--" in statement:
        raise ValueError("a comment would end the statement")
    return " ".join(statement.split())


def _converted(field: Field[Any, Any], value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return convert(value, None, connection) if convert else value
