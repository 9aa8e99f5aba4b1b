"""How many bodies a web process receives at once, so that slow clients leave threads to others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from jobs.http.problems import ProblemError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: When the client may try again. Seconds.
RETRY_AFTER: Final = 5

_lock = threading.Lock()
#: Primary key of the owner → bodies that are being received.
_taken: Counter[Any] = Counter()


@contextmanager
def receiving_place(owner: AbstractBaseUser) -> Iterator[None]:
    """Hold one of the UPLOADS_AT_ONCE places of this process; one user never holds the last one of several.

    Raises ProblemError (503) at once if there is none.
    """
    at_once = settings.UPLOADS_AT_ONCE
    with _lock:
        if _taken.total() >= at_once or _taken[owner.pk] >= max(1, at_once - 1):
            detail = "The server is receiving as many files as it can. Send the request again later."
            raise ProblemError(503, "too-many-uploads", detail, retry_after=RETRY_AFTER)
        _taken[owner.pk] += 1
    try:
        yield
    finally:
        with _lock:
            _taken[owner.pk] -= 1
            if not _taken[owner.pk]:
                del _taken[owner.pk]
