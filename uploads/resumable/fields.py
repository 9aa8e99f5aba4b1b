"""Header fields of tus that are numbers, and the problem of one that is not valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.http.problems import ProblemError

#: The largest number that a JavaScript client reads exactly, and more than any file has bytes.
LARGEST: Final = 2**53 - 1


def invalid_field(name: str, detail: str) -> ProblemError:
    """400, naming the field."""
    errors = [{"pointer": f"#/{name}", "detail": detail}]
    return ProblemError(400, "invalid-request", "The request is not valid; see errors.", errors=errors)


def read_number(headers: Mapping[str, str], name: str) -> int:
    """The number of bytes in a required header field. Raises ProblemError (400)."""
    value = headers.get(name, "").strip()
    if value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST)) and int(value) <= LARGEST:
        return int(value)
    raise invalid_field(name, "Send a number of bytes as decimal digits.")
