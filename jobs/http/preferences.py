"""The `Prefer` header (RFC 7240)."""

from __future__ import annotations

import re
from typing import Final

from rest_framework.request import Request

#: The parts of the header. A quoted string is one part, so commas and words within it do not count. An unclosed one
#: takes the rest: otherwise the search would go on from each later quote, in quadratic time.
_PARTS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[,;=]|[^",;=\s]+')

RESPOND_ASYNC: Final = "respond-async"


def prefers(request: Request, preference: str) -> bool:
    """Whether the client sent this preference, which takes no value. Names are case-insensitive."""
    parts = _PARTS.findall(request.headers.get("Prefer", ""))
    begins = zip([",", *parts], parts, strict=False)
    return any(before == "," and part.lower() == preference for before, part in begins)
