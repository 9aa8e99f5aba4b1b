"""The pool of sessions that a worker of threads has, for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from jobs.postgres.pooling import POOLS, use_pool


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
