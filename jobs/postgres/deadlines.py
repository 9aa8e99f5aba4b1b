"""How long a request waits for PostgreSQL.

The web server calls `bound_requests` once. Workers and commands have no such bound: their dials say how long a
statement may take.

PostgreSQL itself ends what takes long (`statement_timeout`, `lock_timeout`). A server that says nothing at all, because
it hangs or its host is gone, is noticed here: nobody waits longer than the bound for one answer, and once a request has
waited in vain it does not wait again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.core.signals import request_started

#: Shares of the bound after which PostgreSQL ends a statement, or its wait for a lock. Its answer takes the rest.
STATEMENT_SHARE: Final = 0.8
LOCK_SHARE: Final = 0.7
#: How long a connection is waited for that is tried before its first use in a request. Seconds.
HEALTH_CHECK_SECONDS: Final = 1.0
#: The shortest time that libpq and psycopg wait for a connection. Seconds.
SHORTEST_CONNECT_SECONDS: Final = 2
#: For so long after it has let a request wait in vain PostgreSQL counts as away. Seconds.
AWAY_SECONDS: Final = 1.0
#: What PostgreSQL says when a lock was not free in time.
LOCK_NOT_AVAILABLE: Final = "55P03"


@dataclass
class _Process:
    request_seconds: float | None = None
    gave_up_at = -math.inf


class _Thread(threading.local):
    """`seconds` is the bound of a block within `answering_within`; `gave_up`: the request has waited in vain."""

    seconds: float | None = None
    gave_up = False


_process = _Process()
_thread = _Thread()


def bound_requests(seconds: float) -> None:
    """From now on each request of this process waits so long for PostgreSQL. Called before the first connection."""
    _process.request_seconds = seconds
    request_started.connect(_begin_request, dispatch_uid="jobs.postgres.deadlines")


@contextmanager
def answering_within(seconds: float) -> Iterator[None]:
    """A bound of its own for a short look, such as a probe. What is in vain here does not count for the request."""
    before = _thread.seconds
    _thread.seconds = seconds
    try:
        yield
    finally:
        _thread.seconds = before


def seconds_to_wait() -> float | None:
    """For the next answer of PostgreSQL; None: as long as it takes."""
    return _process.request_seconds if _thread.seconds is None else _thread.seconds


def seconds_to_connect(*, hosts: int) -> int | None:
    """For a new connection to each of these hosts, in whole seconds as libpq takes them; None: as the settings say."""
    seconds = seconds_to_wait()
    if seconds is None:
        return None
    return max(SHORTEST_CONNECT_SECONDS, math.floor((seconds - HEALTH_CHECK_SECONDS) / hosts))


def session_settings() -> dict[str, str]:
    """What a new session is told: after how many milliseconds to end a statement, or its wait for a lock."""
    seconds = seconds_to_wait()
    if seconds is None:
        return {}
    milliseconds = 1000 * seconds
    return {
        "statement_timeout": f"{round(STATEMENT_SHARE * milliseconds)}ms",
        "lock_timeout": f"{round(LOCK_SHARE * milliseconds)}ms",
    }


def give_up(*, is_away: bool) -> None:
    """The request of this thread has waited in vain; for PostgreSQL itself, or only for a lock of somebody else."""
    if _process.request_seconds is None or _thread.seconds is not None:
        return
    _thread.gave_up = True
    if is_away:
        _process.gave_up_at = time.monotonic()


def is_away() -> bool:
    """Whether PostgreSQL itself has let a request of this process wait in vain a moment ago."""
    return time.monotonic() - _process.gave_up_at < AWAY_SECONDS


def has_given_up() -> bool:
    """Whether the request of this thread is not to wait again."""
    return _thread.gave_up and _thread.seconds is None


def _begin_request(**kwargs: Any) -> None:
    _thread.gave_up = False
