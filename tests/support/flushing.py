"""How tables are emptied after a test that commits: as Django's `flush` does it, at a fiftieth of its price.

`flush` gives each of forty tables new files, and then has what `migrate` seeds (permissions, queues, schedules,
groups) made row by row: 0.3 seconds, some hundred times in a run. Here those rows are kept aside once.
"""

from typing import Any, Final

import stamina
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

from jobs.classification import sqlstate
from jobs.postgres.outages import CONFLICTS

#: Where the seeded rows are kept.
SCHEMA: Final = "seeds"
LOCK_NOT_AVAILABLE: Final = "55P03"
#: Tables that are larger in sum are truncated: what is merely deleted stays in them for a while. Bytes.
TRUNCATED_ABOVE: Final = 8 * 1024 * 1024

_emptied: list[str] = []
_seeded: list[str] = []


def keep_seeds() -> None:
    """Keep aside what `migrate` put into the tables; from now on `restore_seeds` ends each test that commits."""
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - {"django_migrations"})
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for table in tables:
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT EXISTS (TABLE {name})")
            if cursor.fetchone()[0]:
                cursor.execute(f"CREATE TABLE {SCHEMA}.{name} AS TABLE {name}")
                _seeded.append(table)
    _emptied[:] = tables
    TransactionTestCase._fixture_teardown = restore_seeds  # type: ignore[attr-defined]


def restore_seeds(case: Any = None) -> None:
    """Empty all tables, and put back what was kept. It waits for whoever still writes, as TRUNCATE does.

    It never holds some locks for long while it waits for others: a worker that reads a report in one session and
    saves its progress in another would wait for this one, and this one for it, which PostgreSQL cannot see.
    """
    for trial in stamina.retry_context(on=_stood_in_the_way, attempts=None, timeout=60, wait_max=1):
        with trial, transaction.atomic():
            _restore_seeds()


def _stood_in_the_way(error: Exception) -> bool:
    return isinstance(error, OperationalError) and sqlstate(error) in CONFLICTS | {LOCK_NOT_AVAILABLE}


def _restore_seeds() -> None:
    tables = [sql.Identifier(table) for table in _emptied]
    everything = sql.SQL(", ").join(tables)
    lock = sql.SQL("SET LOCAL lock_timeout = '1s'; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(everything)
    # A session in this role fires no trigger: neither those of foreign keys nor those that keep rows immutable.
    role = sql.SQL("SET LOCAL session_replication_role = replica")
    delete = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in tables)
    insert = sql.SQL("; ").join(
        sql.SQL("INSERT INTO {} TABLE {}").format(sql.Identifier(table), sql.Identifier(SCHEMA, table))
        for table in _seeded
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("; ").join([lock, role]).as_string())
        cursor.execute("SELECT sum(pg_table_size(name::regclass)) FROM unnest(%s::text[]) AS name", [_emptied])
        large = cursor.fetchone()[0] > TRUNCATED_ABOVE
        cursor.execute((sql.SQL("TRUNCATE {}").format(everything) if large else delete).as_string())
        cursor.execute(insert.as_string())
