"""A real csv worker, started as `make up` does, and what the kernel says of its pool process."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from bench.measuring import WrongWorkError
from config.datafolder import BASE_DIR, DataFolder
from config.services import all_services, service_tether

START_SECONDS: Final = 60


@contextmanager
def csv_worker(folder: DataFolder) -> Iterator[int]:
    """A fresh worker with one pool process; gives that process's id. Raises WrongWorkError if it does not start."""
    [service] = [known for known in all_services(port=0) if known.name == "worker-csv"]
    with (folder.logs / "worker-csv.log").open("ab") as log:
        tether = subprocess.Popen(
            service_tether(folder, service),
            cwd=BASE_DIR,
            env={**os.environ, "WORKER_CONCURRENCY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield pool_process(tether.pid)
    finally:
        tether.terminate()
        tether.wait()


def pool_process(tether: int) -> int:
    """The process below the worker below its tether, once it is there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for main in psutil.Process(tether).children():
            if pool := main.children():
                return int(pool[0].pid)
        time.sleep(0.1)
    raise WrongWorkError("the worker did not start")


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
