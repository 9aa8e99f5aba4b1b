"""The oldest snapshot that keeps PostgreSQL from removing old versions of rows in the jobs' database."""

from __future__ import annotations

from typing import Final

from django.db import connection

#: Seconds since the transaction with the oldest snapshot began, whether a session or a prepared transaction holds it.
#: Sessions of other databases hold back nothing here. A snapshot that another user's session holds is seen, too: only
#: its query is hidden. https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
OLDEST: Final = """
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - since)), 0)::float FROM (
        SELECT xact_start AS since FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND coalesce(backend_xmin, backend_xid) IS NOT NULL
        UNION ALL
        SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()
    ) AS snapshots
"""


def seconds_of_oldest_snapshot() -> float:
    """0 if no other session holds one."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        return float(cursor.fetchone()[0])
