"""The digests that a client may send with a body: `Content-Digest` and `Repr-Digest` (RFC 9530), SHA-256 only.

Both are of the bytes as they are sent: a content coding belongs to the representation, and a request body is the whole
of it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from jobs.http.problems import ProblemError

FIELDS: Final = ("Content-Digest", "Repr-Digest")
_SHA256: Final = re.compile(r"(?:^|,)[ \t]*sha-256[ \t]*=[ \t]*([^,;]*)")
_DIGEST_BYTES: Final = 32


def sent_digests(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Field → SHA-256. Other algorithms are ignored. Raises ProblemError (400) if a SHA-256 is malformed."""
    found = {}
    for field in FIELDS:
        if match := _SHA256.search(headers.get(field, "")):
            found[field] = _bytes_of(field, match[1].strip())
    return found


def require_digests(sent: Mapping[str, bytes], digest: bytes) -> None:
    """Raise ProblemError (400) unless all digests are that of the body."""
    for field, expected in sent.items():
        if expected != digest:
            detail = f"{field} is not the SHA-256 of the body: the body was changed on its way."
            raise ProblemError(400, "digest-mismatch", detail)


def _bytes_of(field: str, value: str) -> bytes:
    try:
        if len(value) < 2 or value[0] != ":" or value[-1] != ":":
            raise ValueError("no byte sequence")
        digest = base64.b64decode(value[1:-1], validate=True)
        if len(digest) != _DIGEST_BYTES:
            raise ValueError("wrong length")
    except (ValueError, binascii.Error):
        detail = "sha-256 must be 32 bytes in base64 between colons (RFC 9530)."
        errors = [{"pointer": f"#/{field}", "detail": detail}]
        raise ProblemError(400, "invalid-request", "The request is not valid; see errors.", errors=errors) from None
    return digest
