"""Sessions of PostgreSQL that outlive their client: a killed worker's query would go on, and keep its locks."""

from __future__ import annotations

from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper

#: How often PostgreSQL looks, in mid-query, whether the client is still there.
#: https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
CHECK_INTERVAL: Final = "2s"


def end_with_the_client(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of `connection_created`: let the server notice when this process is gone."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET client_connection_check_interval = '{CHECK_INTERVAL}'")
