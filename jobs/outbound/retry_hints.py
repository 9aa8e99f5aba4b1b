"""How long a server asks not to be sent another request, by the headers of its response.

| Header | Example | Specification |
| --- | --- | --- |
| `Retry-After` | `120`, or an HTTP date | RFC 9110 section 10.2.3 |
| `RateLimit` | `"default";r=0;t=30` | draft-ietf-httpapi-ratelimit-headers, from version 8 on |
| `RateLimit` | `limit=100, remaining=0, reset=30` | the same, version 7 |
| `RateLimit-Remaining`, `RateLimit-Reset` | `0`, `30` | the same, up to version 6 |
| `X-RateLimit-Remaining`, `X-RateLimit-Reset` | `0`, and seconds or a Unix time | none; many servers |

The first that says something counts. A header that cannot be understood says nothing, and nothing here raises.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

from django.utils import timezone

#: No hint is longer: a week.
MAX_SECONDS: Final = 7 * 86_400.0
#: Longer headers are not read.
MAX_CHARACTERS: Final = 1000
#: A reset above this is a Unix time, not a number of seconds: 2001.
FIRST_UNIX_TIME: Final = 1_000_000_000.0

_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_QUOTED: Final = re.compile(r'"[^"]*"')


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until the server wants the next request; None if it does not say so. `headers` ignores case.

    Without `Retry-After`, it is the time until a quota of which nothing remains is full again. So a successful response
    may have it, too.
    """
    wait = retry_after_seconds(headers.get("Retry-After"))
    if wait is None:
        wait = rate_limit_seconds(headers.get("RateLimit"))
    for prefix in ("RateLimit", "X-RateLimit"):
        if wait is None and _number(headers.get(f"{prefix}-Remaining")) == 0:
            wait = _number(headers.get(f"{prefix}-Reset"))
            if wait is not None and wait >= FIRST_UNIX_TIME:
                wait = wait - time.time()
    return None if wait is None else _bounded(wait)


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds of a `Retry-After`, a number or a date; None if it is neither."""
    if value is None or len(value) > MAX_CHARACTERS:
        return None
    if value.isascii() and value.strip().isdecimal():
        # A number with more digits than we read is a long wait, and no nonsense.
        return MAX_SECONDS if (seconds := _number(value)) is None else _bounded(seconds)
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        at = parsedate_to_datetime(value)
        return _bounded((at - timezone.now()).total_seconds()) if at.tzinfo else None
    return None


def rate_limit_seconds(value: str | None) -> float | None:
    """Seconds until no quota in a `RateLimit` is empty any more; None if none is empty, or no time is given."""
    if value is None or len(value) > MAX_CHARACTERS:
        return None
    return max(_resets_of_empty(value), default=None)


def _resets_of_empty(value: str) -> Iterator[float]:
    without_names = _QUOTED.sub("", value)
    for quota in without_names.split(","):
        pairs = dict(_pairs(quota.split(";")))
        if pairs.get("r") == 0 and "t" in pairs:
            yield _bounded(pairs["t"])
    pairs = dict(_pairs(without_names.split(",")))  # version 7 has one quota, in a dictionary
    if pairs.get("remaining") == 0 and "reset" in pairs:
        yield _bounded(pairs["reset"])


def _pairs(texts: list[str]) -> Iterator[tuple[str, float]]:
    for text in texts:
        name, _, written = text.partition("=")
        if (number := _number(written)) is not None:
            yield name.strip().lower(), number


def _number(value: str | None) -> float | None:
    value = (value or "").strip()
    return float(value) if _NUMBER.fullmatch(value) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_SECONDS)
