"""Memory: the peak of a real worker's pool process, at few rows and at many."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import User

from bench.measuring import Measured, WrongWorkError
from bench.registry import Setting
from bench.table import Row
from bench.waiting import wait_for_end
from bench.worker import csv_worker, peak_bytes
from config.stack.datafolder import DataFolder
from config.stack.stopping import say
from jobs.models import Artifact, Attempt
from jobs.states import State
from reports.ordering import place_order

FEW: Final = 10_000
DEADLINE_SECONDS: Final = 180
MB: Final = 1_000_000
#: Measured runs at most: what they measure differs by less than a tenth of a megabyte.
REPEAT: Final = 2


def run(setting: Setting) -> list[Row]:
    """Peak resident size after a report of few rows, and after one of many, each in a worker of its own."""
    say("memory: measuring")
    owner = User.objects.create_user("memory")
    kernel: dict[int, list[float]] = {FEW: [], setting.rows: []}
    attempts: dict[int, list[float]] = {FEW: [], setting.rows: []}
    for _ in range(min(REPEAT, setting.repeat)):
        for rows in kernel:
            peak, recorded = peaks(setting.folder, owner, rows)
            say(f"  {rows:,} rows: {peak / MB:.1f} MB, {recorded / MB:.1f} MB in the row of the attempt")
            kernel[rows].append(peak / MB)
            attempts[rows].append(recorded / MB)

    def row(name: str, work: str, figures: dict[int, list[float]]) -> Row:
        few, many = (Measured(f"{rows:,} rows", figures[rows], "MB") for rows in (FEW, setting.rows))
        return Row(name, work, many, few, many.median - few.median, "MB more", 10.0, at_most=True)

    return [
        row("memory", "peak memory of the worker process", kernel),
        row("memory-recorded", "the same, as the attempt records it", attempts),
    ]


def peaks(folder: DataFolder, owner: User, rows: int) -> tuple[int, int]:
    """Bytes: what the kernel says of a fresh pool process, and what the row of its last attempt says.

    The first report warms up (imports, connections), in both cases alike.
    """
    with csv_worker(folder) as pool_pid:
        order(owner, FEW)
        attempt = order(owner, rows)
        return peak_bytes(pool_pid), attempt.peak_memory_bytes or 0


def order(owner: User, rows: int) -> Attempt:
    """Order and wait for the worker. Raises WrongWorkError unless the report succeeds at once, with all rows."""
    job = place_order(owner=owner, data={"reportType": "bench-wide", "parameters": {"rows": rows}}).job
    job = wait_for_end(job, seconds=DEADLINE_SECONDS)
    if job.state != State.SUCCEEDED or Artifact.objects.get(job=job).row_count != rows:
        raise WrongWorkError(f"the report of {rows:,} rows ended as {job.state}")
    return Attempt.objects.get(job=job)
