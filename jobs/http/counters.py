"""Counters in Redis, on which the service must not depend: no request waits long for them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

T = TypeVar("T")

logger = structlog.get_logger(__name__)

#: How long a request waits for Redis.
TIMEOUT_SECONDS: Final = 0.2
#: After a failure, a process does not use Redis for this time, so that not every request waits.
PAUSE_SECONDS: Final = 5.0


@cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def run_script(client: redis.Redis, script: str, names: Sequence[str], *arguments: int) -> Any:
    """Run a script in one round trip; in two where the server does not know it yet."""
    try:
        return client.evalsha(_digest(script), len(names), *names, *arguments)
    except NoScriptError:
        return client.eval(script, len(names), *names, *arguments)


_silent_until = 0.0


def ask_redis(ask: Callable[[redis.Redis], T]) -> T | None:
    """What `ask` returns; None if Redis does not answer."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return None
    try:
        return ask(_client(settings.REDIS_URL))
    except redis.RedisError as error:
        logger.warning("limits_not_counted", error=repr(error))
        _silent_until = time.monotonic() + PAUSE_SECONDS
        return None


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),  # reconnects if Redis closed the connection meanwhile
    )
