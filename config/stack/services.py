"""The five services of `make up`, and the process manager (honcho) that shows their output.

Each runs under a tether (`config/stack/tether.py`), which is what stops it: gently, and for certain.
"""

import fcntl
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Queue
from pathlib import Path
from typing import Any, Final

import honcho.manager
from honcho.process import Process

from config.queues import CALLBACK_QUEUES, IO_QUEUES, csv_queues
from config.stack.datafolder import DataFolder, LaunchError
from config.web_worker import THREADS

WEB_GRACE_SECONDS: Final = 30
WORKER_GRACE_SECONDS: Final = 60
BEAT_GRACE_SECONDS: Final = 10
DEFAULT_CALLBACK_CONCURRENCY: Final = "8"


@dataclass(frozen=True)
class Service:
    """A program of the stack, with the seconds that it may take to stop."""

    name: str
    command: list[str]
    grace: int


def all_services(*, port: int) -> list[Service]:
    """Web, three workers and Beat. QUEUES says what else the CSV worker consumes; its concurrency is a setting."""
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "-A", "config"]
    # Workers need not know of each other: the database tells them all.
    worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    web = [*python, "gunicorn", "config.wsgi", "--config", "python:config.gunicorn", "--no-control-socket"]
    web += ["--bind", f"127.0.0.1:{port}"]
    web += ["--worker-class", "config.web_worker.ProbeThreadWorker", "--workers", "2", "--threads", str(THREADS)]
    csv = [*worker, "-Q", ",".join(named_queues()), "-n", "csv@%h", "--pool", "prefork"]
    threads = ["--pool", "threads", "--concurrency"]
    io = [*worker, "-Q", ",".join(IO_QUEUES), "-n", "io@%h", *threads, "8"]
    callbacks = [*worker, "-Q", ",".join(CALLBACK_QUEUES), "-n", "callbacks@%h", *threads, callback_concurrency()]
    return [
        Service("web", [*web, "--graceful-timeout", str(WEB_GRACE_SECONDS - 5)], WEB_GRACE_SECONDS),
        Service("worker-csv", csv, WORKER_GRACE_SECONDS),
        Service("worker-io", io, WORKER_GRACE_SECONDS),
        Service("worker-callbacks", callbacks, WORKER_GRACE_SECONDS),
        Service("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile="], BEAT_GRACE_SECONDS),
    ]


def named_queues() -> tuple[str, ...]:
    """What the worker for CSV work consumes. Errors: LaunchError where QUEUES names what can be no queue."""
    try:
        return csv_queues(os.environ)
    except ValueError as error:
        raise LaunchError(str(error)) from None


def callback_concurrency() -> str:
    """Threads of the worker for callbacks, by CALLBACK_CONCURRENCY. Errors: LaunchError if it is not 1 or more."""
    text = os.environ.get("CALLBACK_CONCURRENCY") or DEFAULT_CALLBACK_CONCURRENCY
    if not text.isdecimal() or int(text) < 1:
        raise LaunchError(f"CALLBACK_CONCURRENCY is {text!r}, but must be a number of threads, 1 or more")
    return text


def service_tether(folder: DataFolder, service: Service) -> list[str]:
    """The service's command line under its tether; servers wait for the lock that it holds.

    The tether starts a service again however often it ends: one that cannot run must not take the others down.
    """
    options = ["--keep", "--grace", str(service.grace), "--hold", str(folder.services_lock)]
    return folder.tethered(options, service.command)


class StackProcess(Process):  # type: ignore[misc]
    """honcho's reader of one service's output; it must not outlive a launcher that was killed.

    It would: at its end it waits for its queue to be read, which nobody does any more.
    """

    follow = ""

    def run(self, events: "Queue[Any]", ignore_signals: bool = False) -> None:
        def forget_the_reader() -> None:
            with Path(self.follow).open("a+") as file:
                fcntl.lockf(file, fcntl.LOCK_SH)
            events.cancel_join_thread()

        # A closed terminal hangs up on the launcher and on us; the service's last lines are still to be read.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threading.Thread(target=forget_the_reader, daemon=True).start()
        super().run(events, ignore_signals)


class Stack(honcho.manager.Manager):  # type: ignore[misc]
    """honcho's manager with our services, and a hook for the moment when all were started."""

    def __init__(self, folder: DataFolder, services: list[Service], on_start: Callable[[], None]) -> None:
        super().__init__()
        self._process_ctor = StackProcess
        self._on_start = on_start
        # The tethers keep the time; honcho's own five seconds would cut a worker's job short.
        honcho.manager.KILL_WAIT = max(service.grace for service in services) + 30
        for service in services:
            command = "exec " + shlex.join(service_tether(folder, service))
            self.add_process(service.name, command, env=dict(os.environ)).follow = str(folder.launcher_lock)

    def _start(self) -> None:
        super()._start()
        self._on_start()
