"""A steady rate."""

from __future__ import annotations

import time
from collections.abc import Iterator


def paced(times: int, *, per_second: float) -> Iterator[float]:
    """Give the time (`time.perf_counter`) at which each is due, once it is; at once where the last one took too long.

    A latency that counts from then includes the wait behind a slow one before, as somebody else would feel it.
    """
    began = time.perf_counter()
    for number in range(times):
        due = began + number / per_second
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        yield due
