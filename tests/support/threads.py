"""Threads that do something at once, each over a connection to PostgreSQL of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """A pool whose threads close their connections after each act; Django does not, and the database is in use then."""

    def submit(self, act: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """What `map` calls, too."""

        def act_and_close() -> T:
            try:
                return act(*args, **kwargs)
            finally:
                connections.close_all()

        return super().submit(act_and_close)
