"""Whether this worker was told to stop.

Celery tells the worker's main process; the attempts run in forked ones, which share this byte of memory.
On SIGTERM Celery takes no new tasks and waits for those in hand (its warm shutdown); their heartbeats
look here and hand back what takes longer than HAND_BACK_AFTER_SECONDS.
https://docs.celeryq.dev/en/stable/userguide/workers.html#stopping-the-worker
"""

from __future__ import annotations

import mmap
from typing import Any

from celery.signals import worker_process_init, worker_shutting_down

_stopping = mmap.mmap(-1, 1)
_pool_process = False


def is_stopping() -> bool:
    """Whether the worker that this process or thread belongs to was told to stop."""
    return _stopping[0] == 1


def is_pool_process() -> bool:
    """Whether this is a process of a prefork pool: it runs one task at a time, and is replaced when it ends."""
    return _pool_process


@worker_shutting_down.connect
def announce(**kwargs: Any) -> None:
    """Tell all processes of the pool. Called within a signal handler, so it only writes a byte."""
    _stopping[0] = 1


@worker_process_init.connect
def mark_pool_process(**kwargs: Any) -> None:
    """Called in each process of a prefork pool when it starts."""
    global _pool_process
    _pool_process = True
