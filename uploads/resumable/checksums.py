"""`Upload-Checksum`: the checksum of the bytes of one request."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from jobs.http.problems import ProblemError
from uploads.resumable.fields import invalid_field

#: Algorithm → bytes of its checksums.
ALGORITHMS: Final = {"sha1": 20, "sha256": 32}
FIELD: Final = "Upload-Checksum"
#: The status of a wrong checksum, which only tus has.
MISMATCH: Final = 460


class Checksum:
    """What the bytes must hash to, and what those that were seen so far do."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._algorithm = algorithm
        self._expected = expected
        self._seen = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add `data` to the bytes that were seen."""
        self._seen.update(data)

    def require(self) -> None:
        """Raise ProblemError (460) unless the bytes have the expected checksum."""
        if self._seen.digest() != self._expected:
            detail = f"The {self._algorithm} checksum of the body is not that of {FIELD}. Nothing of it was kept."
            raise ProblemError(460, "checksum-mismatch", detail)


def read_checksum(value: str | None) -> Checksum | None:
    """The checksum in a header field; None without one. Raises ProblemError (400) if it cannot be checked."""
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    size = ALGORITHMS.get(algorithm)
    if size is None:
        raise invalid_field(FIELD, f"The algorithm must be one of: {', '.join(ALGORITHMS)}.")
    try:
        expected = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        expected = b""
    if len(expected) != size:
        raise invalid_field(FIELD, f"Send the algorithm, a space, and {size} bytes in base64.")
    return Checksum(algorithm, expected)
