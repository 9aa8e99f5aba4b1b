"""Read a request body in pieces, from a client that is fast enough."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import UnreadablePostError

from jobs.http.arriving import ArrivingBody
from jobs.http.parsers import RequestTimeoutError
from jobs.http.problems import ProblemError

PIECE_BYTES: Final = 1024 * 1024
#: How long a read waits before the rate is looked at again. Seconds.
TICK_SECONDS: Final = 1.0


class Pieces:
    """An iterator over a body of `length` bytes, as they arrive. `sha256` is of the bytes read so far, if wanted.

    The rate is measured over windows of UPLOAD_RATE_WINDOW_SECONDS, and only while waiting for the client: storing the
    bytes may take its time. Raises RequestTimeoutError if the client sends too slowly, and ProblemError (400) if it is
    gone.
    """

    def __init__(self, body: ArrivingBody, *, length: int, hashed: bool) -> None:
        self._body = body
        self.left = length
        self.sha256 = hashlib.sha256() if hashed else None
        self._window_seconds = self._window_bytes = 0.0
        self._until = time.monotonic() + settings.UPLOAD_TIMEOUT_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        while self.left:
            began = time.monotonic()
            try:
                piece = self._body.read_arrived(min(PIECE_BYTES, self.left), seconds=TICK_SECONDS)
            except (EOFError, OSError, UnreadablePostError):
                detail = f"The body ended {self.left} bytes before its Content-Length."
                raise ProblemError(400, "incomplete-body", detail) from None
            now = time.monotonic()
            self._require_pace(now, now - began, len(piece or b""))
            if piece:
                self.left -= len(piece)
                if self.sha256:
                    self.sha256.update(piece)
                yield piece

    def _require_pace(self, now: float, waited: float, arrived: int) -> None:
        self._window_seconds += waited
        self._window_bytes += arrived
        if now > self._until:
            raise RequestTimeoutError(f"The body did not arrive within {settings.UPLOAD_TIMEOUT_SECONDS} s.")
        if self._window_seconds < settings.UPLOAD_RATE_WINDOW_SECONDS:
            return
        floor = settings.UPLOAD_MIN_BYTES_PER_SECOND
        if self._window_bytes < floor * self._window_seconds:
            raise RequestTimeoutError(f"The body arrived at less than {floor} bytes per second.")
        self._window_seconds = self._window_bytes = 0.0
