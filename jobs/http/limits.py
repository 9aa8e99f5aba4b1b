"""Rate limits: the requests of one client, and its polls of one job.

The counters are in Redis, shared by all web processes, and expire. While Redis does not answer, everything is allowed:
the service must not depend on its limits. The content of Redis is not trusted: a key with an unexpected value is
deleted. The response headers follow https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")

logger = structlog.get_logger(__name__)

PREFIX: Final = "longhaul:limit:"
#: Allowed polls of one client for one job within the time of a `Retry-After`.
POLLS_PER_WINDOW: Final = 4
#: How long a request waits for Redis.
TIMEOUT_SECONDS: Final = 0.2
#: After a failure, a process does not use Redis for this time, so that not every request waits.
PAUSE_SECONDS: Final = 5.0
#: A window as `count_poll` writes it.
SECONDS: Final = re.compile(rb"[0-9]{1,9}")


@dataclass(frozen=True)
class Limit:
    """A quota and its use: `remaining` of `quota` in this window of `window_seconds`, which ends in `seconds`."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    seconds: float

    @property
    def retry_after(self) -> int:
        """Whole seconds until more is allowed, at least 1."""
        return max(1, math.ceil(self.seconds))


def limit_headers(limits: Sequence[Limit]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit`; no headers without limits."""
    if not limits:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window_seconds}' for limit in limits),
        "RateLimit": ", ".join(f'"{limit.name}";r={limit.remaining};t={limit.retry_after}' for limit in limits),
    }


def count_request(client: str, *, quota: int, window_seconds: int) -> tuple[bool, Limit] | None:
    """Whether one more request of `client` is within the quota, and what remains; None if Redis does not answer."""
    name = f"{PREFIX}requests:{client}"

    def ask(client: redis.Redis) -> tuple[int, int]:
        for _ in range(2):
            pipeline = client.pipeline(transaction=True)
            pipeline.set(name, 0, nx=True, ex=window_seconds)
            pipeline.incr(name)
            pipeline.pttl(name)
            _, hits, milliseconds = pipeline.execute(raise_on_error=False)
            if _is_positive(hits) and _is_positive(milliseconds):
                return hits, milliseconds
            client.delete(name)
        raise redis.ResponseError(f"{name} is not counted: {hits!r}, {milliseconds!r}")

    if (answer := _answer(ask)) is None:
        return None
    hits, milliseconds = answer
    limit = Limit("requests", quota, window_seconds, max(0, quota - hits), milliseconds / 1000)
    return hits <= quota, limit


#: Takes one poll out of the bucket. The key lives until the bucket is full again; a value of any type is overwritten.
TAKE_ONE: Final = """
local left = math.max(redis.call("PTTL", KEYS[1]), 0)
left = math.min(left + ARGV[1], ARGV[2] * 1000)
redis.call("SET", KEYS[1], ARGV[2], "PX", left)
return left
"""


def ask_whether_early(question: str) -> Limit | None:
    """The limit that one more poll would exceed; None if the poll is allowed, or if Redis does not answer.

    A token bucket of POLLS_PER_WINDOW polls that fills within the last `Retry-After`, so that a second tab and a client
    that restores its state are answered, too. A client that obeys `retry_after` is never refused.
    """

    def ask(client: redis.Redis) -> tuple[int, int] | None:
        pipeline = client.pipeline(transaction=False)
        pipeline.get(PREFIX + question)
        pipeline.pttl(PREFIX + question)
        window, milliseconds = pipeline.execute(raise_on_error=False)
        if window is None:
            return None
        if isinstance(window, bytes) and SECONDS.fullmatch(window) and _is_positive(milliseconds):
            return int(window), milliseconds
        client.delete(PREFIX + question)
        return None

    if (answer := _answer(ask)) is None:
        return None
    window, milliseconds = answer
    until_full = min(milliseconds / 1000, window)  # seconds
    until_next = until_full - window * (POLLS_PER_WINDOW - 1) / POLLS_PER_WINDOW
    return Limit("polling", POLLS_PER_WINDOW, window, 0, until_next) if until_next > 0 else None


def count_poll(question: str, *, window_seconds: int) -> Limit:
    """Count a poll that is answered with this `Retry-After`; return what remains."""
    cost = window_seconds * 1000 // POLLS_PER_WINDOW
    left = _answer(lambda client: client.eval(TAKE_ONE, 1, PREFIX + question, cost, window_seconds))
    until_full = int(left) if isinstance(left, int) else cost  # milliseconds
    remaining = max(0, POLLS_PER_WINDOW - math.ceil(until_full / cost))
    seconds = until_full / 1000 if remaining else (until_full + cost) / 1000 - window_seconds
    return Limit("polling", POLLS_PER_WINDOW, window_seconds, remaining, seconds)


def forget_polls(questions: Iterable[str]) -> None:
    """Reset the buckets of these questions, in one round trip."""
    names = [PREFIX + question for question in questions]
    _answer(lambda client: client.delete(*names))


def _is_positive(answer: object) -> bool:
    """Whether a reply of Redis is a positive number; it is an exception if the command failed."""
    return isinstance(answer, int) and answer > 0


_silent_until = 0.0


def _answer(ask: Callable[[redis.Redis], T]) -> T | None:
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
