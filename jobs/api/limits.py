"""How often a client may ask: requests of one token, and questions about one job.

The counts stand in Redis, for all processes of the web server, and go by themselves. While Redis does not answer
everything is allowed: a limit protects the service, it is no part of it. The content of Redis is never trusted: a key
that does not hold what was written here is deleted.

The fields of an answer: https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable
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
#: As long as a request waits for Redis. Seconds.
TIMEOUT_SECONDS: Final = 0.2
#: After Redis did not answer, nobody asks it for so long: not every request is to wait.
PAUSE_SECONDS: Final = 5.0
#: How `tell_to_wait` writes a time.
SECONDS: Final = re.compile(rb"[0-9]{1,9}")


@dataclass(frozen=True)
class Limit:
    """What is left of a quota: `remaining` of `quota` in this window of `window_seconds`, which ends in `seconds`."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    seconds: float

    @property
    def retry_after(self) -> int:
        """Whole seconds until there is more, at least 1."""
        return max(1, math.ceil(self.seconds))


def limit_headers(limits: Iterable[Limit]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit`; nothing where there is no limit."""
    known = list(limits)
    if not known:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window_seconds}' for limit in known),
        "RateLimit": ", ".join(f'"{limit.name}";r={limit.remaining};t={limit.retry_after}' for limit in known),
    }


def count_request(client: str, *, quota: int, window_seconds: int) -> tuple[bool, Limit] | None:
    """Whether one more request of `client` is within the quota, and what is left; None: nobody knows."""
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


def ask_whether_early(question: str) -> Limit | None:
    """What is left of the time that `tell_to_wait` gave for this question; None: it is over, or nobody knows."""

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
    return Limit("polling", 1, window, 0, milliseconds / 1000)


def tell_to_wait(question: str, *, seconds: int) -> Limit:
    """The same question is early for so long."""
    _answer(lambda client: client.set(PREFIX + question, seconds, ex=seconds))
    return Limit("polling", 1, seconds, 0, seconds)


def forget_waits(questions: Iterable[str]) -> None:
    """None of these questions is early any more. One trip."""
    names = [PREFIX + question for question in questions]
    _answer(lambda client: client.delete(*names))


def _is_positive(answer: object) -> bool:
    """Of an answer of Redis, which is an exception where a command failed."""
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
        retry=Retry(NoBackoff(), 1),  # a connection that Redis has closed meanwhile is made anew
    )
