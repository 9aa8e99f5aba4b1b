"""The services of `make up` that production has, too, and the process manager (honcho) that shows their output.

Each runs under a tether (`config/stack/tether.py`), which stops it: gently first, then by force.
"""

import fcntl
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import Queue
from pathlib import Path
from typing import Any, Final

import honcho.manager
from honcho.process import Process

from config.queues import CALL_QUEUES, CALLBACK_QUEUES, IO_QUEUES, TASK_QUEUES, csv_queues
from config.stack.datafolder import DataFolder, LaunchError
from config.web_worker import THREADS

WEB_GRACE_SECONDS: Final = 30
WORKER_GRACE_SECONDS: Final = 60
BEAT_GRACE_SECONDS: Final = 10
DEFAULT_CALLBACK_CONCURRENCY: Final = "8"
DEFAULT_CALL_CONCURRENCY: Final = "64"
#: Sessions of PostgreSQL that the threads of the worker for calls share.
CALL_POOL_SIZE: Final = "8"
DEFAULT_TASK_CONCURRENCY: Final = "4"


@dataclass(frozen=True)
class Service:
    """A program of the stack. `grace` is how many seconds it may take to stop.

    `environment` has variables that only this program gets, unless they are set outside.
    """

    name: str
    command: list[str]
    grace: int
    environment: Mapping[str, str] = field(default_factory=dict)


def all_services(*, port: int) -> list[Service]:
    """Web, five workers and Beat. The CSV worker also consumes QUEUES; its concurrency is a setting."""
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "-A", "config"]
    # Workers need not know each other: all state is in the database.
    worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    web = [*python, "gunicorn", "config.wsgi", "--config", "python:config.gunicorn", "--no-control-socket"]
    web += ["--bind", f"127.0.0.1:{port}"]
    web += ["--worker-class", "config.web_worker.ProbeThreadWorker", "--workers", "2", "--threads", str(THREADS)]
    csv = [*worker, "-Q", ",".join(named_queues()), "-n", "csv@%h", "--pool", "prefork"]
    threads = ["--pool", "threads", "--concurrency"]
    io = [*worker, "-Q", ",".join(IO_QUEUES), "-n", "io@%h", *threads, "8"]
    callbacks = [*worker, "-Q", ",".join(CALLBACK_QUEUES), "-n", "callbacks@%h", *threads]
    callbacks.append(count_of("threads", "CALLBACK_CONCURRENCY", DEFAULT_CALLBACK_CONCURRENCY))
    calls = [*worker, "-Q", ",".join(CALL_QUEUES), "-n", "calls@%h", *threads]
    calls.append(count_of("threads", "CALL_CONCURRENCY", DEFAULT_CALL_CONCURRENCY))
    tasks = [*worker, "-Q", ",".join(TASK_QUEUES), "-n", "tasks@%h", "--pool", "prefork"]
    tasks += ["--concurrency", count_of("processes", "TASK_CONCURRENCY", DEFAULT_TASK_CONCURRENCY)]
    return [
        Service("web", [*web, "--graceful-timeout", str(WEB_GRACE_SECONDS - 5)], WEB_GRACE_SECONDS),
        Service("worker-csv", csv, WORKER_GRACE_SECONDS),
        Service("worker-io", io, WORKER_GRACE_SECONDS),
        Service("worker-callbacks", callbacks, WORKER_GRACE_SECONDS),
        Service("worker-calls", calls, WORKER_GRACE_SECONDS, {"DATABASE_POOL_SIZE": CALL_POOL_SIZE}),
        Service("worker-tasks", tasks, WORKER_GRACE_SECONDS),
        Service("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile="], BEAT_GRACE_SECONDS),
    ]


def named_queues() -> tuple[str, ...]:
    """The queues of the worker for CSV work. Raises LaunchError if QUEUES contains an invalid name."""
    try:
        return csv_queues(os.environ)
    except ValueError as error:
        raise LaunchError(str(error)) from None


def count_of(unit: str, variable: str, default: str) -> str:
    """The threads or processes of a worker, from an environment variable. Raises LaunchError if it is not 1 or more."""
    text = os.environ.get(variable) or default
    if not text.isdecimal() or int(text) < 1:
        raise LaunchError(f"{variable} is {text!r}, but must be a number of {unit}, 1 or more")
    return text


def service_tether(folder: DataFolder, service: Service) -> list[str]:
    """The service's command line under a tether, whose lock keeps the servers from stopping first.

    The tether restarts a service however often it ends: a service that cannot run must not stop the others.
    """
    options = ["--keep", "--grace", str(service.grace), "--hold", str(folder.services_lock)]
    return folder.tethered(options, service.command)


class StackProcess(Process):  # type: ignore[misc]
    """honcho's reader of one service's output. It must not outlive a launcher that was killed.

    Otherwise it would wait forever at its end, because nobody reads its queue any more.
    """

    follow = ""

    def run(self, events: "Queue[Any]", ignore_signals: bool = False) -> None:
        def stop_waiting() -> None:
            with Path(self.follow).open("a+") as file:
                fcntl.lockf(file, fcntl.LOCK_SH)
            events.cancel_join_thread()

        # Closing the terminal sends SIGHUP to this process, too, which must still read the service's last lines.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threading.Thread(target=stop_waiting, daemon=True).start()
        super().run(events, ignore_signals)


class Stack(honcho.manager.Manager):  # type: ignore[misc]
    """honcho's manager with our services. It calls `on_start` when all have been started."""

    def __init__(self, folder: DataFolder, services: list[Service], on_start: Callable[[], None]) -> None:
        super().__init__()
        self._process_ctor = StackProcess
        self._on_start = on_start
        # The tethers enforce the grace; honcho's own five seconds would cut off a worker's job.
        honcho.manager.KILL_WAIT = max(service.grace for service in services) + 30
        for service in services:
            command = "exec " + shlex.join(service_tether(folder, service))
            process = self.add_process(service.name, command, env={**service.environment, **os.environ})
            process.follow = str(folder.launcher_lock)

    def _start(self) -> None:
        super()._start()
        self._on_start()
