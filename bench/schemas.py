"""A schema of its own for each peer that keeps its jobs in PostgreSQL, in the database of all contenders.

So the same VACUUM and the same settings apply to all, and dropping the schema leaves nothing of the peer. Of Django
alone: the peers' processes contain nothing of Longhaul.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def in_schema(database: dict[str, Any], schema: str) -> dict[str, Any]:
    """Settings of a database whose tables are those of the schema, over sessions that stay open.

    `CONN_MAX_AGE` None is Django's advice for a process that is always busy; with its default, 0, each task would
    connect again.
    """
    options = {**database.get("OPTIONS", {}), "options": f"-c search_path={schema}"}
    return {**database, "OPTIONS": options, "CONN_MAX_AGE": None}


@contextmanager
def migrated_schema(schema: str) -> Iterator[None]:
    """Within the block, the schema has the tables of the project's apps; then it is gone."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        cursor.execute(f"CREATE SCHEMA {schema}")
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {schema} CASCADE")
