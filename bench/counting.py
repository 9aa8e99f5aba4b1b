"""Counting what is finished, and being a contender in a process of its own.

It imports the standard library only: of the contenders' processes, one must not contain Django.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

#: The same for every contender, because it is the precision of all their times. Seconds.
POLL_SECONDS: Final = 0.02
#: Without progress for so long, the rest never comes. Seconds.
STALLED_SECONDS: Final = 30.0


def wait_for(expected: int, count: Callable[[], int], *, stalled_seconds: float = STALLED_SECONDS) -> int:
    """Wait until `count()` is what is expected, or does not move any more; return what it is then."""
    known, since = count(), time.monotonic()
    while known < expected and time.monotonic() - since < stalled_seconds:
        time.sleep(POLL_SECONDS)
        if (now := count()) != known:
            known, since = now, time.monotonic()
    return known


def serve(order_and_wait: Callable[[int], Mapping[str, int]]) -> None:
    """Until the standard input ends: read how many jobs to order; once they are finished, write the counts as JSON.

    The other side is `bench.sender`.
    """
    for line in sys.stdin:
        sys.stdout.write(json.dumps(order_and_wait(int(line))) + "\n")
        sys.stdout.flush()
