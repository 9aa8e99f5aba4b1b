"""PostgreSQL by a clock that a test sets, for the session of Django's connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

#: Statements find these before PostgreSQL's own, which stand behind them in the path.
#: https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH
CLOCK = """
    CREATE SCHEMA simulated;
    CREATE FUNCTION simulated.now() RETURNS timestamptz STABLE LANGUAGE sql
        AS $$ SELECT current_setting('simulated.now')::timestamptz $$;
    CREATE FUNCTION simulated.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql
        AS $$ SELECT current_setting('simulated.now')::timestamptz $$;
"""


@contextmanager
def simulated_time() -> Iterator[None]:
    """Within a test's transaction. What a column's default says is still by PostgreSQL's own clock."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        [(path,)] = cursor.fetchall()
        cursor.execute(CLOCK)
        cursor.execute("SET search_path = simulated, pg_catalog, public")
        yield
        cursor.execute("SELECT set_config('search_path', %s, false)", [path])


def set_time(now: datetime) -> None:
    """What the database says the time is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('simulated.now', %s, false)", [now.isoformat()])
