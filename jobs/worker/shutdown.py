"""Whether this worker was told to stop.

The signal reaches the worker's main process; attempts run in forked processes, which share a byte of memory with it.
On SIGTERM, Celery takes no new tasks and waits for running ones (warm shutdown). On SIGQUIT, it waits for a while, then
ends their processes. Heartbeats read the byte, and hand back jobs that take longer than HAND_BACK_AFTER_SECONDS.
https://docs.celeryq.dev/en/stable/userguide/workers.html#stopping-the-worker
"""

from __future__ import annotations

import mmap
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery.signals import worker_process_init, worker_ready, worker_shutting_down

_stopping = mmap.mmap(-1, 1)
_pool_process = False


def is_stopping() -> bool:
    """Whether the worker of this process or thread was told to stop."""
    return _stopping[0] == 1


def is_pool_process() -> bool:
    """Whether this process belongs to a prefork pool: it runs one task at a time, and is replaced when it ends."""
    return _pool_process


@worker_shutting_down.connect
def announce(**kwargs: Any) -> None:
    """Tell all processes of the pool to stop. This runs in a signal handler, so it only writes a byte."""
    _stopping[0] = 1


@worker_ready.connect
def listen(**kwargs: Any) -> None:
    """Handle the signals before Celery does.

    On SIGQUIT, Celery sends `worker_shutting_down` only after a wait, and a second SIGQUIT ends the pool before that.
    """
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler) and not isinstance(handler, _AnnounceFirst):
            signal.signal(number, _AnnounceFirst(handler))


class _AnnounceFirst:
    """A signal handler that announces the stop and then calls another."""

    def __init__(self, then: Callable[[int, FrameType | None], Any]) -> None:
        self.then = then

    def __call__(self, number: int, frame: FrameType | None) -> None:
        announce()
        self.then(number, frame)


@worker_process_init.connect
def mark_pool_process(**kwargs: Any) -> None:
    """Called in each process of a prefork pool when it starts."""
    global _pool_process
    _pool_process = True
