"""Repeat what PostgreSQL did not answer, on a new connection, while it restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import stamina
from django.db import InterfaceError, OperationalError, connections

Done = TypeVar("Done")

#: Raised when the connection to PostgreSQL is broken. The same statement may succeed on a new connection.
CONNECTION_ERRORS = (OperationalError, InterfaceError)


def retry_while_unreachable(act: Callable[[], Done], *, seconds: float) -> Done:
    """Call `act`, and again on a new connection while PostgreSQL is unreachable, for up to `seconds`.

    `act` may have been committed although its answer was lost, so it must be safe to repeat.
    """
    try:
        return act()
    except CONNECTION_ERRORS:
        connections.close_all()

    def reconnect(error: Exception) -> bool:
        broken = isinstance(error, CONNECTION_ERRORS)
        if broken:
            connections.close_all()
        return broken

    bounds: dict[str, Any] = {"timeout": seconds, "wait_initial": 0.2, "wait_max": 2.0}
    for trial in stamina.retry_context(on=reconnect, attempts=None, **bounds):
        with trial:
            return act()
    raise AssertionError("stamina returns a result or raises")
