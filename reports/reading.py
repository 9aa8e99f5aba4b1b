"""The database session in which a report is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def reading(
    alias: str, *, application_name: str, statement_timeout_seconds: int | None
) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own to `alias`, in one read-only transaction that sees one snapshot.

    Its own, because a report must not share a transaction with the job's bookkeeping. It is closed,
    not reused: what a broken or cancelled COPY leaves behind ends with it.
    """
    connection = connections.create_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET jit TO DEFAULT; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(
                "SELECT set_config('application_name', %s, true), set_config('statement_timeout', %s, true)",
                [application_name, str(1000 * (statement_timeout_seconds or 0))],
            )
        yield connection
    finally:
        connection.close()
