"""The bytes of one request. They are made before anything is connected, so that a mistake is no failed exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jobs.outbound.targets import Target

#: Methods whose body is announced even if it is empty (RFC 9110 section 8.6).
WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
#: Set here, because a response could not be read otherwise.
FIXED: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
)
#: A token (RFC 9110 section 5.6.2).
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
#: Text of a field (RFC 9110 section 5.5): one line.
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def request_bytes(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request, which asks for a response without encoding and for the end of the connection.

    Raises ValueError for a method or header that HTTP does not allow, or that is set here. It does not show values.
    """
    if not _TOKEN.fullmatch(method):
        raise ValueError("The method is not a token.")
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.netloc}", "Accept-Encoding: identity"]
    if body or method in WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in FIXED:
            raise ValueError(f"The header {name!r} cannot be set.")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"The value of the header {name!r} has a character that is not allowed.")
        lines.append(f"{name}: {value}")
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
