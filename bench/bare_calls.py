"""Celery, a thread pool and `requests`: no Django, no database, no retries. The usual upper bound for calls.

`celery -A bench.bare_calls worker` runs the tasks, `python -m bench.bare_calls` orders them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import requests
from celery import Celery
from celery.utils.nodenames import gethostname, nodename

from bench.counting import serve, wait_for

#: Each task adds one byte to this file.
TALLY = Path(os.environ.get("BENCH_TALLY", os.devnull))
URL = f"http://{os.environ.get('BENCH_REMOTE', '127.0.0.1:1')}/rates?base=EUR&date=2026-11-01"
#: The name of the worker. Without it, every worker over this Redis would do what `app.control` says.
WORKER = nodename("bare-calls", gethostname())

app = Celery("bare_calls", broker=os.environ.get("REDIS_URL"))
app.conf.task_default_queue = "bench-bare-calls"


@app.task(name="bench.bare_calls.call", ignore_result=True)
def call() -> None:
    """One request, and one byte once it is answered."""
    requests.get(URL, timeout=60).raise_for_status()
    descriptor = os.open(TALLY, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b".")
    os.close(descriptor)


def order_and_wait(jobs: int) -> dict[str, int]:
    """Order all while nobody consumes; then from the first message taken to the last answer."""
    queue, before = app.conf.task_default_queue, TALLY.stat().st_size
    app.control.cancel_consumer(queue, destination=[WORKER], reply=True)
    for _ in range(jobs):
        call.delay()
    began = time.perf_counter()
    app.control.add_consumer(queue, destination=[WORKER], reply=False)
    answered = wait_for(jobs, lambda: TALLY.stat().st_size - before)
    return {"answered": answered, "milliseconds": round((time.perf_counter() - began) * 1000)}


if __name__ == "__main__":
    serve(order_and_wait)
