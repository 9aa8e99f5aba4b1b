"""The header field `Prefer` (RFC 7240)."""

from __future__ import annotations

import re
from typing import Final

from rest_framework.request import Request

#: Parts of a field: quoted strings are one part each, so that no comma or word within them counts. One that is not
#: closed takes the rest: if it did not match, the next quote in it would be tried, and so on, in quadratic time.
_PARTS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[,;=]|[^",;=\s]+')

RESPOND_ASYNC: Final = "respond-async"


def prefers(request: Request, preference: str) -> bool:
    """Whether the client has sent this preference, which takes no value. Names ignore case."""
    parts = _PARTS.findall(request.headers.get("Prefer", ""))
    begins = zip([",", *parts], parts, strict=False)
    return any(before == "," and part.lower() == preference for before, part in begins)
