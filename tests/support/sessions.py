"""The sessions of the test database that other processes hold."""

from django.db import connection

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def sessions(condition: str = "TRUE") -> list[int]:
    """The process ids of the other sessions of this database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid {OTHERS} AND {condition}")
        return [pid for (pid,) in cursor.fetchall()]
