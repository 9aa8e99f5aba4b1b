"""The `Prefer` header (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from jobs.http.conditional import LONGEST_LIST

#: The parts of the header. A quoted string is one part, so commas and words within it do not count. An unclosed one
#: takes the rest: otherwise the search would go on from each later quote, in quadratic time.
_PARTS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[,;=]|[^",;=\s]+')
#: An escaped character of a quoted string (RFC 9110 section 5.6.4).
_ESCAPED: Final = re.compile(r"\\(.)")

RESPOND_ASYNC: Final = "respond-async"
WAIT: Final = "wait"

#: More digits are no number of seconds that anybody waits.
_MOST_DIGITS: Final = 9

#: The schema has no pattern: a preference that is unknown or malformed is ignored (section 2).
PREFER: Final = OpenApiParameter(
    "Prefer",
    {"type": "string", "maxLength": LONGEST_LIST},
    OpenApiParameter.HEADER,
    description=(
        "`wait=10` holds the response back until the job has ended, for 10 seconds at most (RFC 7240, section 4.3): it "
        "is 200 if the job has ended by then. Without `wait`, the response comes at once."
    ),
)


def prefers(request: Request, preference: str) -> bool:
    """Whether the client sent this preference, which takes no value. Names are case-insensitive."""
    return preference in _preferences(request)


def wait_seconds(request: Request) -> int | None:
    """The value of the preference `wait` (section 4.3); None without one, and if it is not an integer from 0 on."""
    digits = _preferences(request).get(WAIT, "")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits.lstrip("0")[:_MOST_DIGITS] or "0")


def _preferences(request: Request) -> dict[str, str]:
    """Names in lower case → values without quotes; empty if there is none. The first one of a name counts."""
    found: dict[str, str] = {}
    for name, value in _pairs(_PARTS.findall(request.headers.get("Prefer", ""))):
        found.setdefault(name.lower(), value)
    return found


def _pairs(parts: list[str]) -> Iterator[tuple[str, str]]:
    """The name and the value of each preference. What follows a semicolon belongs to its parameters."""
    begins = [0, *(place + 1 for place, part in enumerate(parts) if part == ",")]
    for begin, end in zip(begins, [*begins[1:], len(parts) + 1], strict=True):
        name, equals, value, *more = [*parts[begin : end - 1], "", "", ""]
        is_whole = not more or more[0] in ("", ";")
        yield name, _unquoted(value) if equals == "=" and is_whole and value != ";" else ""


def _unquoted(value: str) -> str:
    """Section 2: a quoted value equals the same value without quotes."""
    return _ESCAPED.sub(r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value
