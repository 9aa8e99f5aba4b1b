"""The benchmarks that there are. To add one, write a module and name it here: one line in `BENCHMARKS`.

It is then part of `make bench` and of `make bench-quick`, unless ONLY_BY_NAME has it.

A module's contract is `run(setting: Setting) -> list[Row]`. It measures its contenders in turns and
checks their work; it returns one row of the table for each comparison. It is imported only after
Django is set up, so it may import models at its top.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

from bench.measuring import settle
from bench.sizes import Sizes
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

#: They take minutes each, so they run only if they are named.
ONLY_BY_NAME: Final = frozenset({"calls-post", "upload-calm", "upload-large", "upload-memory"})


@dataclass(frozen=True)
class Setting(Sizes):
    """What a benchmark is given: how much to measure, and the servers' folder."""

    folder: DataFolder
    quick: bool = False  #: whether contenders may be left out whose rows have no target


def selected(names: Collection[str]) -> list[str]:
    """Which benchmarks run, in the order of the table: those that are named, else all but ONLY_BY_NAME."""
    return [name for name in BENCHMARKS if (name in names if names else name not in ONLY_BY_NAME)]


def run_benchmark(name: str, setting: Setting) -> list[Row]:
    """Run one of BENCHMARKS; Django is set up by now."""
    settle()
    run = cast("Callable[[Setting], list[Row]]", import_module(BENCHMARKS[name]).run)
    return run(setting)
