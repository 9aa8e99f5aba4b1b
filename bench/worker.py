"""Real workers, started as `make up` does, and what the kernel says of a pool process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from bench.measuring import WrongWorkError
from bench.waiting import wait_until
from config.stack.datafolder import BASE_DIR, DataFolder
from config.stack.services import WORKER_GRACE_SECONDS, Service, all_services, service_tether

#: A process of the pool has lived for so long.
POOL_AGE_SECONDS: Final = 0.2


@contextmanager
def csv_worker(folder: DataFolder, *, concurrency: int = 1) -> Iterator[int]:
    """A fresh csv worker; gives the id of its first pool process. Raises WrongWorkError if it does not start."""
    [service] = [known for known in all_services(port=0) if known.name == "worker-csv"]
    with running(folder, service, {**os.environ, "WORKER_CONCURRENCY": str(concurrency)}) as pool_pid:
        yield pool_pid


@contextmanager
def other_worker(folder: DataFolder, app: str, environment: Mapping[str, str], *, concurrency: int) -> Iterator[int]:
    """A prefork worker of another Celery app, in the same way; silent as Longhaul's is in a benchmark."""
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "--loglevel", "ERROR"]
    command += ["--without-gossip", "--without-mingle", "--pool", "prefork", "--concurrency", str(concurrency)]
    service = Service(app, [*command, "-n", f"{app}@%h"], WORKER_GRACE_SECONDS)
    with running(folder, service, environment) as pool_pid:
        yield pool_pid


@contextmanager
def service(folder: DataFolder, name: str, environment: Mapping[str, str], *, port: int = 0) -> Iterator[None]:
    """A service as `make up` starts it, for the length of a block. `port` is that of the web server."""
    [known] = [known for known in all_services(port=port) if known.name == name]
    with tethered(folder, known, environment):
        yield


@contextmanager
def running(folder: DataFolder, service: Service, environment: Mapping[str, str]) -> Iterator[int]:
    """A worker of pool processes, for the length of a block; gives the id of its first one."""
    with tethered(folder, service, environment) as tether:
        yield pool_process(tether)


@contextmanager
def tethered(folder: DataFolder, service: Service, environment: Mapping[str, str]) -> Iterator[int]:
    """A process under its tether, whose id is given, for the length of a block."""
    with (folder.logs / f"{service.name}.log").open("ab") as log:
        tether = subprocess.Popen(
            service_tether(folder, service),
            cwd=BASE_DIR,
            env={**service.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield tether.pid
    finally:
        tether.terminate()
        tether.wait()


def pool_process(tether: int) -> int:
    """The process below the worker below its tether, once it is there."""

    def pool() -> list[int]:
        found: list[int] = []
        for main in psutil.Process(tether).children():
            # Celery runs `uname` when it begins, which looks like its parent until it executes, and soon ends.
            with suppress(psutil.NoSuchProcess):
                old = [child for child in main.children() if time.time() - child.create_time() > POOL_AGE_SECONDS]
                found += [child.pid for child in old if child.cmdline() == main.cmdline()]
        return found

    return wait_until(pool, otherwise="the worker did not start")[0]


def peak_bytes(pid: int) -> int:
    """The high-water mark of a living process's resident size (proc_pid_status(5), VmHWM)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        raise WrongWorkError("the pool process ended while it was measured, or this system has no /proc") from None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise WrongWorkError("this system does not tell a process's peak memory")
    return int(found[1]) * 1024
