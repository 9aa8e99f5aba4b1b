"""The `Idempotency-Key` header."""

from __future__ import annotations

import re
from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from jobs.dispatch.idempotency import Idempotency
from jobs.http.problems import ProblemError

#: Printable ASCII without the characters that a quoted string must escape.
KEY: Final = re.compile(r"[ !#-\[\]-~]{1,255}")

#: The pattern excludes outer blanks, which HTTP strips, and the quotes that a key may also be sent in.
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255, "pattern": r"^[!#-\[\]-~]([ !#-\[\]-~]*[!#-\[\]-~])?$"},
    OpenApiParameter.HEADER,
    description="Makes it safe to send the request again: for 24 hours, the key identifies the first request with it.",
)


def idempotency_of(request: Request, *, kind: str) -> Idempotency | None:
    """The key of a request for a job of `kind`, with the request's fingerprint; None if the client sends no key.

    Raises ProblemError (400).
    """
    key = key_of(request)
    return None if key is None else Idempotency.of(key, kind=kind, body=request.data)


def key_of(request: Request) -> str | None:
    """The key of a request; None if the client sends none.

    It is a string of RFC 8941, section 3.3.3 (`"a"`); its quotes may be missing. Raises ProblemError (400).
    """
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not KEY.fullmatch(key) or not key.strip():
        raise ProblemError(
            400, "invalid-idempotency-key", "Idempotency-Key must be 1 to 255 printable ASCII characters, no quotes."
        )
    return key
