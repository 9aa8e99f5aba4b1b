"""Row 3: the peak memory of a real worker process, at few rows and at many."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.contrib.auth.models import User

from bench.measuring import Row, say
from config.datafolder import BASE_DIR, DataFolder
from config.services import all_services, service_tether
from jobs.models import Job, Queue
from jobs.states import State
from reports.ordering import order_report

FEW = 10_000
DEADLINE_SECONDS = 180
MIB = 1024 * 1024


def run(folder: DataFolder, *, many: int) -> list[Row]:
    """Peak resident size of the pool process after one report of few rows, then of many."""
    Queue.objects.filter(name="reports").update(paused=False)
    owner = User.objects.create_user("memory")
    peaks = []
    for rows in (FEW, many):
        with worker(folder) as pool_pid:
            for ordered in (FEW, rows):  # the first one warms up: imports, connections
                order(owner, ordered)
            peaks.append(peak_bytes(pool_pid))
            say(f"  {rows:,} rows: {peaks[-1] / MIB:.1f} MiB")
    few, most = peaks
    return [
        Row(
            "peak memory of the worker process",
            f"{many:,} rows: {most / MIB:.1f} MiB",
            f"{FEW:,} rows: {few / MIB:.1f} MiB",
            (most - few) / 1e6,
            10.0,
            "MB more",
            at_most=True,
        )
    ]


def order(owner: User, rows: int) -> None:
    """Order and wait; SystemExit when it does not succeed."""
    job = order_report(owner=owner, data={"reportType": "bench-wide", "parameters": {"rows": rows}})
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        state = Job.objects.values_list("state", flat=True).get(pk=job.pk)
        if state == State.SUCCEEDED:
            return
        if state in (State.FAILED, State.DEAD):
            break
        time.sleep(0.05)
    raise SystemExit(f"bench: the report of {rows} rows did not succeed")


@contextmanager
def worker(folder: DataFolder) -> Iterator[int]:
    """A fresh csv worker with one pool process; its process id."""
    [service] = [known for known in all_services(port=0, concurrency="1") if known.name == "worker-csv"]
    with (folder.logs / "worker-csv.log").open("ab") as log:
        tether = subprocess.Popen(
            service_tether(folder, service),
            cwd=BASE_DIR,
            env={**os.environ, **service.environment, "PYTHONPATH": str(BASE_DIR)},
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
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for main in psutil.Process(tether).children():
            if pool := main.children():
                return int(pool[0].pid)
        time.sleep(0.1)
    raise SystemExit("bench: the worker did not start")


def peak_bytes(pid: int) -> int:
    """The high-water mark of a process's resident size (proc_pid_status(5), VmHWM)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("bench: this system does not tell a process's peak memory")
    return int(found[1]) * 1024
