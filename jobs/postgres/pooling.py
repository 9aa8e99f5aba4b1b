"""A pool of sessions, for a process with many threads that mostly wait for something other than PostgreSQL.

Django's pool (https://docs.djangoproject.com/en/5.2/ref/databases/#connection-pool): a thread takes a session for its
first statement, and keeps it until `release_connection`. So call that before a thread waits, but not while it holds
something that belongs to the session, such as an advisory lock or a temporary table.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg_pool import ConnectionPool

from jobs.postgres.base import BoundedConnection, DatabaseWrapper
from jobs.postgres.deadlines import session_settings
from jobs.postgres.sessions import is_pooled, setting_statements


class PooledConnection(BoundedConnection):
    """A session of the pool."""

    #: When it was given back with nothing to remove; monotonic.
    left_clean_at = -math.inf


#: How long a thread waits for a session. Then it gets Django's OperationalError, like one that cannot connect. A thread
#: keeps a session for milliseconds, so PostgreSQL is away, or too many threads keep theirs. Seconds.
TIMEOUT_SECONDS: Final = 10.0
#: How long the pool tries to connect by itself, with pauses that double. Afterwards it tries again when a thread asks,
#: so that it soon notices that PostgreSQL is back. Seconds.
RECONNECT_SECONDS: Final = 5.0
#: Django's own, by the alias of their database.
POOLS: Final[dict[str, ConnectionPool[PooledConnection]]] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
#: What the last user of a session may have left: settings and advisory locks.
RESET: Final = "RESET ALL; SELECT pg_advisory_unlock_all()"
#: A session that was given back clean is not even checked, if that was so recently. Seconds.
CLEAN_SECONDS: Final = 1.0


def use_pool(size: int, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """From now on, the threads of this process share at most `size` sessions of the default database.

    Call it before these threads begin, and not in a process that forks.
    """
    connections.close_all()
    shared = connections.settings[DEFAULT_DB_ALIAS]  # by the connections of all threads
    shared["OPTIONS"] = {**shared["OPTIONS"], "pool": True}
    shared["CONN_MAX_AGE"] = 0
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    # Django would make one with a round trip for the check of a session, and another for its settings.
    POOLS[DEFAULT_DB_ALIAS] = ConnectionPool(
        connection_class=PooledConnection,
        kwargs={**wrapper.get_connection_params(), "autocommit": True},
        min_size=1,
        max_size=size,
        open=False,
        configure=wrapper._configure_connection,
        check=_make_ready,
        name="longhaul",
        timeout=timeout_seconds,
        reconnect_timeout=RECONNECT_SECONDS,
    )


def release_connection() -> None:
    """Give this thread's session back to the pool. Nothing happens without a pool, or within a transaction."""
    for connection in connections.all(initialized_only=True):
        if is_pooled(connection) and not connection.in_atomic_block:
            connection.close()


@contextmanager
def clean_session() -> Iterator[None]:
    """A session for statements that leave nothing behind: no setting, no lock. It is given back after the block.

    The next user gets it without a round trip to make it ready. Nothing happens without a pool, nor if the thread
    already has its session: then somebody else may have left something there.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    before: Any = connection.connection
    if before is not None or not is_pooled(connection):
        yield
        return
    yield
    session = connection.connection
    if session is not None and not connection.in_atomic_block and not session_settings():
        session.left_clean_at = time.monotonic()
        connection.close()


def _make_ready(session: PooledConnection) -> None:
    """Check that the session answers, and remove what its last user has left, before the next one gets it.

    If it does not answer, PostgreSQL has probably restarted, and the others would not either.
    """
    is_clean, session.left_clean_at = time.monotonic() - session.left_clean_at < CLEAN_SECONDS, -math.inf
    if is_clean and not session_settings():
        return
    try:
        session.autocommit = True
        time_zone = connections[DEFAULT_DB_ALIAS].timezone_name
        session.execute(f"{RESET}; {setting_statements(timezone=time_zone)}", prepare=False)
    except psycopg.Error:
        POOLS[DEFAULT_DB_ALIAS].drain()
        raise
