"""Celery and nothing else, as in `bench.bare`: how long one task waits on an idle worker until it starts.

`celery -A bench.bare_latency worker` runs the tasks, `python -m bench.bare_latency` orders them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery

from bench.counting import serve, wait_for

#: Each task adds a line: when it started, in nanoseconds of the machine's clock.
TALLY = Path(os.environ.get("BENCH_TALLY", os.devnull))

app = Celery("bare_latency", broker=os.environ.get("REDIS_URL"))
app.conf.task_default_queue = "bench-bare-latency"


@app.task(name="bench.bare_latency.start", ignore_result=True)
def start() -> None:
    """One line, in one system call."""
    now = time.time_ns()
    descriptor = os.open(TALLY, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b"%d\n" % now)
    os.close(descriptor)


def order_and_wait(jobs: int) -> dict[str, int]:
    """Tasks one after the other: the microseconds from the last `.delay()` to the start of its task."""
    started, ordered = 0, 0
    for _ in range(jobs):
        before, ordered = TALLY.stat().st_size, time.time_ns()
        start.delay()
        wait_for(1, lambda before=before: int(TALLY.stat().st_size > before))  # type: ignore[misc]
        started = int(TALLY.read_bytes()[before:])
    return {"microseconds": (started - ordered) // 1000}


if __name__ == "__main__":
    serve(order_and_wait)
