"""The benchmarks that there are. To add one, write a module and name it here.

A module's contract is `run(setting: Setting) -> list[Row]`. It measures its contenders in turns and
checks their work; it returns one row of the table for each comparison. It is imported only after
Django is set up, so it may import models at its top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

from bench.measuring import settle
from bench.table import Row
from config.stack.datafolder import DataFolder

#: Name on the command line → module, in the order of the table.
BENCHMARKS: Final = {
    "export": "bench.export",
    "memory": "bench.memory",
    "throughput": "bench.throughput",
    "latency": "bench.latency",
    "api": "bench.api",
    "calm": "bench.calm",
    "crowd": "bench.crowd",
    "callbacks": "bench.callbacks",
    "calls": "bench.calls",
    "calls-limit": "bench.calls_limit",
    "calls-post": "bench.calls_post",
    "gate": "bench.gate",
    "backlog": "bench.backlog",
    "long-snapshot": "bench.long_snapshot",
    "admin": "bench.admin",
    "uploads": "bench.uploads",
    "upload-large": "bench.upload_large",
    "upload-memory": "bench.upload_memory",
    "upload-calm": "bench.upload_calm",
}


@dataclass(frozen=True)
class Setting:
    """What a benchmark is given: the servers' folder, and how much to measure."""

    folder: DataFolder
    lines: int  #: order lines of the sample data
    rows: int  #: rows of the largest report
    seconds: int  #: of pgbench, in one measured run
    rate: int  #: transactions of pgbench that are due each second
    jobs: int  #: jobs that do nothing, of one run of each contender
    requests: int  #: of one run of each web server
    backlog: int  #: waiting jobs of the large backlog
    upload_rows: int  #: of an uploaded file
    repeat: int  #: measured runs of each contender


def run_benchmark(name: str, setting: Setting) -> list[Row]:
    """Run one of BENCHMARKS; Django is set up by now."""
    settle()
    run = cast("Callable[[Setting], list[Row]]", import_module(BENCHMARKS[name]).run)
    return run(setting)
