"""Whether sessions of PostgreSQL wait for each other."""

from django.db import connection


def a_session_waits_for_a_lock() -> bool:
    """In pg_locks, which, unlike pg_stat_activity, is not a snapshot of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
