"""What every session of PostgreSQL is told when it begins."""

from __future__ import annotations

from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper

#: - The server looks in mid-query, every two seconds, whether the client is still there: the query of a killed worker
#:   would go on, and keep its locks.
#:   https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
#: - Prepared statements are those of `jobs.statements`. Each has one plan, made at once: PostgreSQL would else plan
#:   the first five times what costs more to plan than to run.
#:   https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-PLAN-CACHE-MODE
SETTINGS: Final = {"client_connection_check_interval": "2s", "plan_cache_mode": "force_generic_plan"}


def configure_session(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of `connection_created`."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in SETTINGS.items()))
