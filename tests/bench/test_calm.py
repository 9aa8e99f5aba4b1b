"""Calm and crowd with a real worker and pgbench, for a second each."""

from pathlib import Path

from tests.bench.test_running import run_bench


def test_calm_and_crowd_run_and_see_that_their_reports_run_meanwhile(tmp_path: Path) -> None:
    shown, rows = run_bench(tmp_path, "calm", "crowd", "--rows", "1500000", "--seconds", "1")
    assert {name: (row["target"], row["at_most"]) for name, row in rows.items()} == {
        "calm-paced": (1.5, True),
        "calm-auto": (1.5, True),
        "calm-unpaced": (None, True),
        "crowd-3": (1.5, True),
        "crowd-10": (1.5, True),
        "crowd-unlimited": (None, True),
    }
    assert "| calm-paced | p95 of pgbench at 400 transactions/s beside a report | 20,000 rows/s: " in shown
    for figure in ("auto, at ", "unpaced: ", "idle: ", "3 ordered: ", "10 ordered: ", "10 running: ", "1 ordered: "):
        assert figure in shown
