"""Celery and nothing else: no Django, no database. The upper bound of what a queue over Redis does here.

`celery -A bench.bare worker` runs the tasks, `python -m bench.bare` orders them.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from bench.counting import serve, wait_for

#: Each task adds one byte to this file, which costs less than anything over a socket.
TALLY = Path(os.environ.get("BENCH_TALLY", os.devnull))

app = Celery("bare", broker=os.environ.get("REDIS_URL"))
app.conf.task_default_queue = "bench-bare"


@app.task(name="bench.bare.nothing", ignore_result=True)
def nothing() -> None:
    """One byte, in one system call that no other process comes between."""
    descriptor = os.open(TALLY, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b".")
    os.close(descriptor)


def order_and_wait(jobs: int) -> dict[str, int]:
    """From the first `.delay()` to the last task."""
    before = TALLY.stat().st_size
    for _ in range(jobs):
        nothing.delay()
    return {"ran": wait_for(jobs, lambda: TALLY.stat().st_size - before)}


if __name__ == "__main__":
    serve(order_and_wait)
