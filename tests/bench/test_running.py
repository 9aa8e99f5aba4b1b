"""Each benchmark with real servers and workers, at few jobs and rows: one run of all, as each starts servers anew."""

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

BENCHMARKS = ("throughput", "latency", "backlog", "admin", "gate", "api", "calm", "export", "uploads", "calls-limit")
SIZES = {
    "jobs": 1,
    "backlog": 2000,
    "requests": 10,
    "lines": 2000,
    "rows": 600_000,
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
        [sys.executable, "-m", "bench", *BENCHMARKS, *sizes, "--json", str(file)],
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


def test_throughput_and_latency_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {
        "throughput": (0.3, False),
        "throughput-usual": (2.0, False),
        "latency": (None, True),
        "latency-p99": (None, True),
    }
    assert ran.targets(expected) == expected
    assert ran.shows(
        "| throughput | 1 jobs that do nothing | Longhaul: ",
        "row, delay, two saves: ",
        "| latency-p99 | 1 jobs, one by one, from the order to the start | p99: ",
    )


def test_the_backlog_and_the_admin_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {"backlog": (2.0, True), "admin": (1.3, True), "dashboard": (100.0, True), "scrape": (1.3, True)}
    assert ran.targets(expected) == expected
    assert ran.shows("2,000 waiting: ", "1,000 waiting: ", "2,000 jobs: ", "1,000 jobs: ")


def test_the_rows_that_need_servers_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {
        "order": (0.5, False),
        "order-keyed": (None, False),
        "order-waiting": (None, False),
        "status": (0.5, False),
        "status-waiting": (0.5, False),
        "gate-submit": (0.5, False),
        "gate-release": (1.5, True),
    }
    assert ran.targets(expected) == expected
    assert ran.shows("all limits: ", "without: ", "max_running only: ")
    assert ran.shows("10 × POST /api/reports | Longhaul, p50 ", "| minimal view, p50 ", "| waiting, p50 ")


def test_calm_runs_and_sees_that_its_reports_run_meanwhile(ran: Ran) -> None:
    """Crowd is the same with other companies."""
    expected = {"calm-paced": (1.5, True), "calm-auto": (1.5, True), "calm-unpaced": (None, True)}
    assert ran.targets(expected) == expected
    assert ran.shows("| calm-paced | p95 of pgbench at 40 transactions/s beside a report | 20,000 rows/s: ")
    assert ran.shows("auto, at ", "unpaced: ", "idle: ")


def test_the_row_about_the_limit_of_a_host_runs_and_checks_its_own_work(ran: Ran) -> None:
    expected = {"calls-limit": (1.5, True)}
    assert ran.targets(expected) == expected
    assert ran.shows("limit of 50/s, ", "| no limit: ")


def test_the_export_rows_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {"export": (0.8, False), "export-safe": (0.8, False), "iterator": (3.0, False)}
    assert ran.targets(expected) == expected
    assert "same bytes as psql, same cells as iterator()" in ran.said
    assert re.search(r"\n +[1-9]\d* cells defused at their beginning, [1-9]\d* rows within a cell\n", ran.said)
    assert "fsync on, synchronous_commit on" in ran.figures["machine"]["postgresql"]
    assert ran.shows(*(f"| {name} | report of 2,000 rows |" for name in expected))


def test_the_upload_rows_run_and_check_their_own_work(ran: Ran) -> None:
    expected = {
        "upload": (0.4, False),
        "upload-bulk": (2.5, False),
        "upload-checked": (None, False),
        "upload-bad": (0.5, False),
        "upload-unchanged": (1.0, False),
        "upload-unchanged-bulk": (None, False),
        "upload-updated": (None, False),
        "upload-few": (None, False),
        "upload-few-updated": (None, False),
    }
    assert ran.targets(expected) == expected
    assert ran.shows("| upload-bad | 400 rows, all new, 1 % bad, partial | 1 % bad: ")
