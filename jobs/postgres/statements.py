"""Prepared statements: PostgreSQL plans each once per session, and again after a while.

Their texts stand beside the code that uses them; those that every job needs are in `jobs.dispatch.statements` and
`jobs.worker.statements`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from typing import Any, Final, Self, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from psycopg.rows import dict_row

from jobs.postgres.base import OneTrip

AnyModel = TypeVar("AnyModel", bound=Model)
Asked = TypeVar("Asked")
Rows = list[dict[str, Any]]

#: A generic plan made while a table is small ignores its indexes, and is kept until ANALYZE. Changing the text forces a
#: new plan: after this many statements, but not sooner than after this many seconds, since planning takes longer than
#: most statements and each session plans for itself.
REPLAN_AFTER: Final = 500
PLANS_LAST_SECONDS: Final = 5.0
#: The function of PostgreSQL that reports "cached plan must not change result type"; the message may be translated.
#: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/cache/plancache.c
OUTDATED: Final = "RevalidateCachedQuery"


def fetch_all(statement: str, **parameters: Any) -> Rows:
    """Execute a statement on Django's connection and return its rows.

    Unlike with Django's own cursors, the server binds the parameters. So psycopg prepares the statement
    (https://www.psycopg.org/psycopg3/docs/advanced/prepare.html), and PostgreSQL plans it once and again after a while.
    """
    rows: Rows = execute(statement, **parameters).fetchall()
    return rows


def fetch_all_over(database: BaseDatabaseWrapper, statement: str, /, **parameters: Any) -> Rows:
    """As `fetch_all`, over another connection than Django's, such as a thread's own."""
    database.ensure_connection()
    rows: Rows = planned_again(partial(_execute, database, statement, parameters)).fetchall()
    return rows


def execute(statement: str, **parameters: Any) -> CursorWrapper:
    """Execute a statement and return its cursor. Within `pipeline`, only reading the rows waits for them.

    If the types of its columns have changed since it was planned, it is planned again. Within a transaction, which
    PostgreSQL has then rolled back, the error is raised, and the next transaction succeeds.
    """
    return planned_again(partial(_execute, _connected(), statement, parameters))


def planned_again(act: Callable[[], Asked]) -> Asked:
    """Call `act`, and once more if one of its statements was refused because of an outdated plan."""
    try:
        return act()
    except NotSupportedError as error:
        if not _plans.are_outdated(error) or connection.in_atomic_block:
            raise
        return act()


def _execute(database: BaseDatabaseWrapper, statement: str, parameters: dict[str, Any]) -> CursorWrapper:
    # Like Django's own cursor, with its error types and its log of queries, but over another of psycopg's.
    wrap: Any = database.make_debug_cursor if database.queries_logged else database.make_cursor
    cursor: CursorWrapper = wrap(_NamingCursor(database.connection, row_factory=dict_row))
    cursor.execute(f"{statement} -- plan {_plans.current()}", parameters)
    return cursor


class _NamingCursor(psycopg.RawCursor[dict[str, Any]]):
    """Takes parameters by name, like psycopg's own cursor, which would parse long statements at each execution."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute the statement with the values of a mapping."""
        raw, names = _numbered(query)
        return super().execute(raw, [params[name] for name in names], **options)


#: `%(name)s` and `%%`, as psycopg writes them.
_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|%)")


@lru_cache(maxsize=512)
def _numbered(statement: str) -> tuple[bytes, list[str]]:
    """The statement with PostgreSQL's own placeholders, `$1` and so on, and their names in this order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(number, statement).encode(), list(numbers)


def is_outdated_plan(error: BaseException) -> bool:
    """Whether PostgreSQL refused a plan because the types of its result have changed."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.diag.source_function == OUTDATED


class _Plans:
    """A number that is part of every statement's text. Threads that count at the same time only miss a count."""

    number = asked = 0
    since = 0.0

    def current(self) -> int:
        self.asked += 1
        if self.asked > REPLAN_AFTER and time.monotonic() - self.since >= PLANS_LAST_SECONDS:
            self.renew()
        return self.number

    def renew(self) -> None:
        """Give every statement a new text, so that each session plans it again."""
        self.number, self.asked, self.since = self.number + 1, 0, time.monotonic()

    def are_outdated(self, error: NotSupportedError) -> bool:
        """Whether this error means an outdated plan; if so, plans are renewed."""
        if outdated := is_outdated_plan(error):
            self.renew()
        return outdated


_plans = _Plans()


@contextmanager
def pipeline() -> Iterator[OneTrip]:
    """Send the statements of the block in one round trip, unless one needs the rows of another.

    Outside a transaction, they form one, which `commit` ends: what follows is the next one. Each statement sees what
    has been committed when it begins
    (https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html).
    """
    database = _connected()
    try:
        with database.wrap_database_errors, database.connection.one_trip() as trip:
            yield trip
    except NotSupportedError as error:
        _plans.are_outdated(error)
        raise


def _connected() -> BaseDatabaseWrapper:
    """Django's connection, checked as Django does before using its own cursors: the session may have ended."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    return database


def instance_of(model: type[AnyModel], row: Mapping[str, Any], *, prefix: str = "") -> AnyModel:
    """Make an instance, as the ORM would, of a row with all columns of `model` as `columns_of` lists them."""
    names, columns, converted = _read_from(model, prefix)
    values = [row[column] for column in columns]
    for place, convert in converted:
        values[place] = convert(values[place], None, connection)
    return model.from_db(DEFAULT_DB_ALIAS, names, values)


@cache
def _read_from(
    model: type[Model], prefix: str
) -> tuple[list[str], list[str], list[tuple[int, Callable[[Any, None, Any], Any]]]]:
    """The attributes of a model, their columns, and for the columns that need a conversion, its index and function."""
    fields = model._meta.concrete_fields
    converting = [(place, getattr(field, "from_db_value", None)) for place, field in enumerate(fields)]
    return (
        [field.attname for field in fields],
        [f"{prefix}{field.column}" for field in fields],
        [(place, convert) for place, convert in converting if convert],
    )


def columns_of(model: type[Model], table: str, *, prefix: str = "") -> str:
    """The columns of `model` for a SELECT whose rows `instance_of` reads.

    PostgreSQL refuses a prepared statement that returns `*` after a column was added or dropped.
    """
    names = [str(field.column) for field in model._meta.concrete_fields]
    quote = connection.ops.quote_name
    return ", ".join(
        f"{table}.{quote(name)} AS {quote(prefix + name)}" if prefix else f"{table}.{name}" for name in names
    )


def squeeze(statement: str) -> str:
    """The statement on one line, without `/* comments */`, which would be sent with each execution.

    Raises ValueError for a `--`, which would comment out the rest.
    """
    if "--" in statement:
        raise ValueError("Write /* … */: on one line, -- comments out the rest of the statement.")
    code, *commented = statement.split("/*")
    return " ".join(" ".join([code, *(each.partition("*/")[2] for each in commented)]).split())
