"""The pool of sessions that a worker of threads has, for the length of a block, and what a thread sees of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

from jobs.postgres.pooling import POOLS, release_connection, use_pool
from jobs.postgres.statements import fetch_all

PID = "SELECT pg_backend_pid() AS pid"


@contextmanager
def pool_of(size: int, **options: Any) -> Iterator[None]:
    """A pool for the length of the block; the sessions of this thread are of it, too."""
    shared = connections.settings[DEFAULT_DB_ALIAS]
    before = shared["OPTIONS"], shared["CONN_MAX_AGE"]
    use_pool(size, **options)
    try:
        yield
    finally:
        connections.close_all()
        POOLS.pop(DEFAULT_DB_ALIAS).close()
        shared["OPTIONS"], shared["CONN_MAX_AGE"] = before


def pid() -> int:
    """Of the session of this thread."""
    [row] = fetch_all(PID)
    return int(row["pid"])


def setting(name: str) -> str:
    """The value in the session of this thread."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        [(value,)] = cursor.fetchall()
    return str(value)


def in_thread(act: Callable[[], Any]) -> Any:
    """What `act` returns, in a thread that releases its session."""

    def run() -> Any:
        try:
            return act()
        finally:
            release_connection()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result(30)
