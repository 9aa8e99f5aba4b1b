"""The benchmarks with real workers, at few jobs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from config.datafolder import BASE_DIR


def run_bench(folder: Path, *options: str) -> tuple[str, dict[str, dict[str, object]]]:
    """The table, and the rows by their names."""
    file = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options, "--repeat", "1", "--json", str(file)],
        cwd=BASE_DIR,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr  # of so few jobs the figures say nothing
    assert list(folder.iterdir()) == [file], done.stderr  # servers and workers are gone
    return done.stdout, {row["name"]: row for row in json.loads(file.read_text())["rows"]}


def test_throughput_and_latency_run_and_check_their_own_work(tmp_path: Path) -> None:
    shown, rows = run_bench(tmp_path, "throughput", "latency", "--jobs", "20")
    assert {name: row["target"] for name, row in rows.items()} == {
        "throughput": 0.3,
        "throughput-usual": 2.0,
        "latency": None,
        "latency-p99": None,
    }
    assert "| throughput | 20 jobs that do nothing | Longhaul: " in shown
    assert "row, delay, two saves: " in shown
    assert "| latency-p99 | 20 jobs, one by one, from the order to the start | p99: " in shown


def test_the_backlog_and_the_admin_run_and_check_their_own_work(tmp_path: Path) -> None:
    shown, rows = run_bench(tmp_path, "backlog", "admin", "--backlog", "3000", "--jobs", "1")
    assert {name: (row["target"], row["at_most"]) for name, row in rows.items()} == {
        "backlog": (2.0, True),
        "admin": (2.0, True),
        "scrape": (2.0, True),
    }
    for figure in ("3,000 waiting: ", "1,000 waiting: ", "3,000 jobs: ", "1,000 jobs: "):
        assert figure in shown


def test_the_rows_that_need_servers_run_and_check_their_own_work(tmp_path: Path) -> None:
    shown, rows = run_bench(tmp_path, "gate", "api", "--jobs", "3", "--requests", "10")
    assert {name: (row["target"], row["at_most"]) for name, row in rows.items()} == {
        "order": (0.5, False),
        "order-keyed": (None, False),
        "order-waiting": (None, False),
        "status": (0.5, False),
        "status-waiting": (0.5, False),
        "gate-submit": (0.5, False),
        "gate-release": (1.5, True),
    }
    for figure in ("all limits: ", "without: ", "max_running only: "):
        assert figure in shown
    for figure in ("10 × POST /api/reports | Longhaul, p50 ", "| minimal view, p50 ", "| waiting, p50 "):
        assert figure in shown
