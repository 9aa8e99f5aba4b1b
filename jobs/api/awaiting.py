"""Hold the answer to an order back until its job has ended: `Prefer: wait=N` (RFC 7240 section 4.3).

A request that waits holds a thread of the web server, so a process has few places to wait. Without a place, the answer
comes at once, as without the preference.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection
from rest_framework.request import Request

from jobs.api.end_polling import POLLER, Awaited
from jobs.http.clients import may_wait
from jobs.http.preferences import WAIT, wait_seconds
from jobs.models import Job
from jobs.status import has_ended

#: How often a waiting request looks whether its client is still there. Seconds.
LOOK_SECONDS: Final = 0.2
#: A request that has waited for this long gives its session back to PostgreSQL: it costs less than to connect again for
#: every job that ends soon. Seconds.
KEEP_SESSION_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Waited:
    """The job as it is after the wait, with its result; and the preference that was applied (`wait=10`)."""

    job: Job
    applied: str


class _Places:
    """How many requests of this process wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Hold one of PREFER_WAIT_PLACES. Yields whether there was one, at once."""
        with self._lock:
            is_free = self._taken < settings.PREFER_WAIT_PLACES
            self._taken += is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._taken -= is_free


_places: Final = _Places()


def wait_for_end(request: Request, job: Job) -> Waited | None:
    """Wait as long as the request prefers, PREFER_WAIT_MAX_SECONDS at most, for the end of its job.

    `job` must be committed: within a transaction nothing is waited for. None if the request has no such preference, or
    it cannot be honoured: there is no place, the client is gone, or the web server is stopping.
    """
    preferred = wait_seconds(request)
    if preferred is None:
        return None
    seconds = max(0, min(preferred, settings.PREFER_WAIT_MAX_SECONDS))
    applied = f"{WAIT}={seconds}"
    if has_ended(job) or not seconds:
        return Waited(job, applied)
    if connection.in_atomic_block:
        return None
    with _places.take() as has_place:
        if not has_place or not (awaited := _awaited(request, job, seconds)):
            return None
    return Waited(awaited.job or job, applied)


def _awaited(request: Request, job: Job, seconds: int) -> Awaited | None:
    """After the wait; None if the request may wait no longer."""
    awaited = Awaited(job.pk, until=time.monotonic() + seconds)
    POLLER.add(awaited)
    try:
        while not awaited.is_answered.wait(min(LOOK_SECONDS, max(0.0, awaited.until - time.monotonic()))):
            if not may_wait(request._request):
                return None
            now = time.monotonic()
            if now >= awaited.until:  # the poll is late, or fails
                break
            if now - awaited.since >= KEEP_SESSION_SECONDS:
                connection.close()
        return awaited
    finally:
        POLLER.remove(awaited)
