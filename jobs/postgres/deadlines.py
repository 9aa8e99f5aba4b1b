"""How long a request waits for PostgreSQL.

The web server calls `bound_requests` once. Workers and commands have no such bound: their dials limit a statement.

PostgreSQL itself ends slow statements and long waits for locks (`statement_timeout`, `lock_timeout`). This module
notices a server that says nothing at all, because it hangs or its host is gone: a request waits no longer than the
bound for one answer, and once it has waited in vain, it does not wait again.
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

#: Shares of the bound after which PostgreSQL ends a statement, or its wait for a lock. The rest is for its answer.
STATEMENT_SHARE: Final = 0.8
LOCK_SHARE: Final = 0.7
#: How long the health check of a connection, before its first use in a request, may take. Seconds.
HEALTH_CHECK_SECONDS: Final = 1.0
#: The shortest time that libpq and psycopg wait for a connection. Seconds.
SHORTEST_CONNECT_SECONDS: Final = 2
#: How long PostgreSQL counts as away after a request has waited for it in vain. Seconds.
AWAY_SECONDS: Final = 1.0
#: The SQLSTATE of a lock that was not free in time.
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
    """Bound how long each request of this process waits for PostgreSQL. Call this before the first connection."""
    _process.request_seconds = seconds
    request_started.connect(_begin_request, dispatch_uid="jobs.postgres.deadlines")


@contextmanager
def answering_within(seconds: float) -> Iterator[None]:
    """A separate bound for a short check, such as a probe. Waiting in vain here does not count for the request."""
    before = _thread.seconds
    _thread.seconds = seconds
    try:
        yield
    finally:
        _thread.seconds = before


def seconds_to_wait() -> float | None:
    """How long to wait for the next answer of PostgreSQL; None: as long as it takes."""
    return _process.request_seconds if _thread.seconds is None else _thread.seconds


def seconds_to_connect(*, hosts: int) -> int | None:
    """For a connection to each of these hosts, in whole seconds, as libpq requires; None: as the settings say."""
    if (seconds := seconds_to_wait()) is None:
        return None
    return max(SHORTEST_CONNECT_SECONDS, math.floor((seconds - HEALTH_CHECK_SECONDS) / hosts))


def session_settings() -> dict[str, str]:
    """Settings of a new session: after how many milliseconds to end a statement, or its wait for a lock."""
    if (seconds := seconds_to_wait()) is None:
        return {}
    shares = {"statement_timeout": STATEMENT_SHARE, "lock_timeout": LOCK_SHARE}
    return {name: f"{round(share * (1000 * seconds))}ms" for name, share in shares.items()}


def give_up(*, is_away: bool) -> None:
    """Note that this thread's request has waited in vain: for PostgreSQL itself (`is_away`), or only for a lock."""
    if _process.request_seconds is None or _thread.seconds is not None:
        return
    _thread.gave_up = True
    if is_away:
        _process.gave_up_at = time.monotonic()


def is_away() -> bool:
    """Whether a request of this process has just waited in vain for PostgreSQL itself."""
    return time.monotonic() - _process.gave_up_at < AWAY_SECONDS


def has_given_up() -> bool:
    """Whether the request of this thread must not wait again."""
    return _thread.gave_up and _thread.seconds is None


def _begin_request(**kwargs: Any) -> None:
    _thread.gave_up = False
