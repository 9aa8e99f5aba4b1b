"""Sessions of PostgreSQL: the settings of each, and sessions with short timeouts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.postgres.deadlines import answering_within, session_settings

SETTINGS: Final = {
    # The server checks every two seconds during a query whether the client is still connected. Otherwise the query of a
    # killed worker would go on, and keep its locks.
    # https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL
    "client_connection_check_interval": "2s",
    # Our prepared statements (`jobs.postgres.statements`) cost more to plan than to run. By default, PostgreSQL plans
    # each of the first five executions. https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-PLAN-CACHE-MODE
    "plan_cache_mode": "force_generic_plan",
    # PostgreSQL overestimates the plans of `jobs.dispatch.fairness`: compiling one takes longer than a hundred runs.
    # `reports.reading` may turn this on. https://www.postgresql.org/docs/current/jit-decision.html
    "jit": "off",
}


def configure_session(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of `connection_created`. A pool configures its own sessions (`jobs.postgres.pooling`)."""
    if connection.vendor == "postgresql" and not is_pooled(connection):
        with connection.cursor() as cursor:
            cursor.execute(setting_statements())


def setting_statements(**further: str) -> str:
    """Statements that give a session its settings, for one round trip."""
    settings = SETTINGS | session_settings() | further
    return "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    """Whether the connection takes its session from a pool."""
    return bool(connection.settings_dict["OPTIONS"].get("pool"))


def own_connection(alias: str = DEFAULT_DB_ALIAS) -> BaseDatabaseWrapper:
    """A new connection for this thread, besides Django's. Its session is never one of a pool. Close it at the end."""
    connection = connections.create_connection(alias)
    shared = connection.settings_dict  # by all connections of this alias
    options = {name: value for name, value in shared["OPTIONS"].items() if name != "pool"}
    connection.settings_dict = {**shared, "OPTIONS": options}
    return connection


#: The timeout of a short session, to connect and for each statement. Seconds.
SHORT_TIMEOUT_SECONDS: Final = 2


@contextmanager
def short_session(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """A new session with short timeouts. Raises Django's DatabaseError or InterfaceError soon."""
    connection = own_connection(alias)
    connection.settings_dict["OPTIONS"]["connect_timeout"] = SHORT_TIMEOUT_SECONDS
    with answering_within(2 * SHORT_TIMEOUT_SECONDS), closing(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [str(1000 * SHORT_TIMEOUT_SECONDS)])
        yield connection


@contextmanager
def short_sessions_only() -> Iterator[None]:
    """Short waits for Django's own connections, too: their sessions begin and end with this block."""
    connections.close_all()
    try:
        with answering_within(2 * SHORT_TIMEOUT_SECONDS):
            yield
    finally:
        connections.close_all()
