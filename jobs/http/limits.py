"""Rate limits: the requests of one client, and its polls of one job.

The counters are in Redis (`jobs.http.counters`), shared by all web processes, and expire. While Redis does not answer,
everything is allowed. The content of Redis is not trusted: a key with an unexpected value is replaced.

The response headers follow
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import redis

from jobs.http.counters import ask_redis, run_script

PREFIX: Final = "longhaul:limit:"
#: Allowed polls of one client for one job within the time of a `Retry-After`.
POLLS_PER_WINDOW: Final = 4
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


#: Counts a request in KEYS[1], whose window of ARGV[1] seconds begins with the first one. It also looks at the bucket
#: KEYS[2] of `count_poll`, if that is given: its window and the milliseconds until it is full. Whatever the service
#: would not have written is replaced.
COUNT_ONE: Final = """
local hits, left = redis.pcall("INCR", KEYS[1]), redis.call("PTTL", KEYS[1])
if type(hits) ~= "number" or hits < 1 or left < 1 then
    hits, left = 1, ARGV[1] * 1000
    redis.call("SET", KEYS[1], hits, "EX", ARGV[1])
end
if not KEYS[2] then return {hits, left} end
local window = redis.pcall("GET", KEYS[2])
if not window then return {hits, left, 0, 0} end
local full = redis.call("PTTL", KEYS[2])
if type(window) == "string" and #window < 10 and string.match(window, "^%d+$") and full > 0 then
    return {hits, left, tonumber(window), full}
end
redis.call("DEL", KEYS[2])
return {hits, left, 0, 0}
"""


@dataclass(frozen=True)
class Counted:
    """A counted request: whether it is `allowed`, what remains, and what one more poll would exceed."""

    allowed: bool
    limit: Limit
    early: Limit | None = None


def count_request(client: str, *, quota: int, window_seconds: int, poll: str = "") -> Counted | None:
    """Whether one more request of `client` is within the quota, and what remains; None if Redis does not answer.

    If the request is a `poll`, the same round trip looks at its bucket, as `ask_whether_early` does.
    """
    names = [f"{PREFIX}requests:{client}", *([PREFIX + poll] if poll else [])]
    answer = ask_redis(lambda client: run_script(client, COUNT_ONE, names, window_seconds))
    if answer is None:
        return None
    hits, milliseconds, *bucket = answer
    limit = Limit("requests", quota, window_seconds, max(0, quota - hits), milliseconds / 1000)
    return Counted(hits <= quota, limit, _early(*bucket) if poll else None)


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

    def ask(client: redis.Redis) -> Limit | None:
        pipeline = client.pipeline(transaction=False)
        pipeline.get(PREFIX + question)
        pipeline.pttl(PREFIX + question)
        window, milliseconds = pipeline.execute(raise_on_error=False)
        if window is None:
            return None
        if isinstance(window, bytes) and SECONDS.fullmatch(window) and _is_positive(milliseconds):
            return _early(int(window), milliseconds)
        client.delete(PREFIX + question)
        return None

    return ask_redis(ask)


def _early(window: int, milliseconds: int) -> Limit | None:
    """The limit that one more poll would exceed, by the window of the bucket and the time until it is full."""
    until_full = min(milliseconds / 1000, window)  # seconds
    until_next = until_full - window * (POLLS_PER_WINDOW - 1) / POLLS_PER_WINDOW
    return Limit("polling", POLLS_PER_WINDOW, window, 0, until_next) if until_next > 0 else None


def count_poll(question: str, *, window_seconds: int) -> Limit:
    """Count a poll that is answered with this `Retry-After`; return what remains."""
    cost = window_seconds * 1000 // POLLS_PER_WINDOW
    left = ask_redis(lambda client: run_script(client, TAKE_ONE, [PREFIX + question], cost, window_seconds))
    until_full = int(left) if isinstance(left, int) else cost  # milliseconds
    remaining = max(0, POLLS_PER_WINDOW - math.ceil(until_full / cost))
    seconds = until_full / 1000 if remaining else (until_full + cost) / 1000 - window_seconds
    return Limit("polling", POLLS_PER_WINDOW, window_seconds, remaining, seconds)


def forget_polls(questions: Iterable[str]) -> None:
    """Reset the buckets of these questions, in one round trip."""
    names = [PREFIX + question for question in questions]
    ask_redis(lambda client: client.delete(*names))


def _is_positive(answer: object) -> bool:
    """Whether a reply of Redis is a positive number; it is an exception if the command failed."""
    return isinstance(answer, int) and answer > 0
