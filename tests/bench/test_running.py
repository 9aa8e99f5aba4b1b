"""Benchmarks with real servers and workers, at few jobs and rows: one run, as each run starts servers anew.

Most of its time goes into starting programs, so a benchmark is left out if its parts are tested with the servers of the
tests, as the peers of the throughput are (`test_throughput.py`), or if it only starts more of the same.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.stack.datafolder import BASE_DIR

pytestmark = pytest.mark.timeout(600)

BENCHMARKS = ("backlog", "gate", "calm", "export", "uploads")
SIZES = {
    "jobs": 1,
    "backlog": 2000,
    "requests": 10,
    "lines": 2000,
    "rows": 200_000,
    "upload-rows": 400,
    "seconds": 1,
    "rate": 40,
    "repeat": 1,
}


@dataclass(frozen=True)
class Ran:
    """What a run has printed, what it has said meanwhile, its figures as JSON, and which files it has left."""

    table: str
    said: str
    figures: dict[str, Any]
    left: list[Path]

    def targets(self, names: Iterable[str]) -> dict[str, tuple[float | None, bool]]:
        """Of these rows: the target, and whether it is the most that a figure may be."""
        rows = {row["name"]: (row["target"], row["at_most"]) for row in self.figures["rows"]}
        return {name: rows[name] for name in names}

    def shows(self, *texts: str) -> bool:
        missing = [text for text in texts if text not in self.table]
        assert not missing, self.table
        return True


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("bench")
    file = folder / "figures.json"
    sizes = [word for name, size in SIZES.items() for word in (f"--{name}", str(size))]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *BENCHMARKS, *sizes, "--json", str(file)],
        cwd=BASE_DIR,
        env={**os.environ, "STORAGE_URL": str(folder / "not-here"), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr  # of so few jobs the figures say nothing
    left = [path for path in folder.iterdir() if path != file]
    return Ran(done.stdout, done.stderr, json.loads(file.read_text()), left)


def test_servers_and_workers_are_gone_and_a_foreign_storage_is_unused(ran: Ran) -> None:
    assert ran.left == []


def test_the_backlog_and_the_gate_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {"backlog": (1.5, True), "gate-submit": (0.5, False), "gate-release": (1.5, True)}
    assert ran.targets(expected) == expected
    assert ran.shows("2,000 waiting: ", "1,000 waiting: ", "all limits: ", "without: ", "max_running only: ")


def test_calm_runs_and_sees_that_its_reports_run_meanwhile(ran: Ran) -> None:
    """Crowd is the same with other companies."""
    expected = {"calm-paced": (1.2, True), "calm-auto": (1.2, True)}
    assert ran.targets(expected) == expected
    assert ran.shows("| calm-paced | p95 of pgbench at 40 transactions/s beside a report | 20,000 rows/s: ")
    assert ran.shows("auto, at ", "idle: ", "| calm-psql | ", "psql, 20,000 rows/s: ")


def test_it_says_how_long_each_benchmark_took_and_how_much_was_measured(ran: Ran) -> None:
    assert set(ran.figures["durations"]) == set(BENCHMARKS)
    assert all(f"\n{name}: took " in ran.said for name in BENCHMARKS)
    assert ran.figures["options"] == {"quick": True, **{name.replace("-", "_"): size for name, size in SIZES.items()}}


def test_the_export_rows_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {
        "export": (0.8, False),
        "export-safe": (0.95, False),
        "iterator": (3.0, False),
        "export-cp932": (0.5, False),
        "export-utf-16": (0.5, False),
        "export-cpu": (None, False),
    }
    assert ran.targets(expected) == expected
    assert "same bytes as psql, same cells as iterator()" in ran.said
    assert re.search(r"\n +[1-9]\d* cells defused at their beginning, [1-9]\d* rows within a cell\n", ran.said)
    assert "fsync on, synchronous_commit on" in ran.figures["machine"]["postgresql"]
    assert ran.shows(*(f"| {name} | report of 2,000 rows" for name in expected))


def test_the_upload_rows_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {
        "upload": (0.4, False),
        "upload-bulk": (2.5, False),
        "upload-checked": (None, False),
        "upload-bad": (0.5, False),
        "upload-unchanged": (1.0, False),
        "upload-unchanged-bulk": (None, False),
        "upload-updated": (None, False),
    }
    assert ran.targets(expected) == expected
    assert ran.shows("| upload-bad | 400 rows, all new, 1 % bad, partial | 1 % bad: ")
