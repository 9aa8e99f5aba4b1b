"""The other queues that the throughput is held against: each a project of its own, with a worker of two processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from bench.sender import sender
from bench.worker import other_worker, tethered
from config.stack.datafolder import DataFolder
from config.stack.services import WORKER_GRACE_SECONDS, Service

#: Processes of each contender's worker that run jobs.
CONCURRENCY: Final = 2

Order = Callable[[int], dict[str, int]]


@dataclass(frozen=True)
class Peer:
    """`python -m module` orders, and its worker does what was ordered."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    #: What `python -m` runs as one process of the worker; nothing for Celery, which starts its processes itself.
    command: Sequence[str] = ()

    def start(self, folder: DataFolder, stack: ExitStack) -> Order:
        """Create its tables, then start its worker; all of it ends with the stack. Gives what orders and waits."""
        environment = {**os.environ, **self.environment}
        if "DJANGO_SETTINGS_MODULE" not in self.environment:
            del environment["DJANGO_SETTINGS_MODULE"]  # Celery would load Django where it is set
        order = stack.enter_context(sender(self.module, environment))
        order(0)  # its tables are there once it answers, and its worker needs them
        if not self.command:
            stack.enter_context(other_worker(folder, self.module, environment, concurrency=CONCURRENCY))
        for number in range(CONCURRENCY if self.command else 0):
            service = Service(f"{self.module}-{number}", [sys.executable, "-m", *self.command], WORKER_GRACE_SECONDS)
            stack.enter_context(tethered(folder, service, environment))
        return order


USUAL: Final = Peer("bench.usual", {"DJANGO_SETTINGS_MODULE": "bench.usual.settings"})
#: Woken by NOTIFY, as it is unless told otherwise. With one job at a time in each process instead of four, a job takes
#: a third more processor time; whether the task is a coroutine, and whether its row is deleted, makes no difference.
PROCRASTINATE: Final = Peer(
    "bench.procrastinate",
    {"DJANGO_SETTINGS_MODULE": "bench.procrastinate.settings"},
    ("django", "procrastinate", "worker", "--concurrency", "4"),
)
#: Its interval of a second is only for a worker that finds nothing. A shorter one takes processor time from the orders:
#: with 0.02, a third fewer jobs were done here.
DJANGO_TASKS: Final = Peer(
    "bench.django_tasks",
    {"DJANGO_SETTINGS_MODULE": "bench.django_tasks.settings"},
    ("django", "db_worker", "--no-startup-delay", "--verbosity", "0"),
)


def bare_celery(tally: str, *, module: str = "bench.bare") -> Peer:
    """Each of its tasks adds something to this file."""
    return Peer(module, {"BENCH_TALLY": tally})
