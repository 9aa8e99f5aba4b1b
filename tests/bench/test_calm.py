"""Calm with a real worker and pgbench, for a second each. Crowd is the same with other companies."""

from pathlib import Path

from tests.bench.test_running import run_bench


def test_calm_runs_and_sees_that_its_reports_run_meanwhile(tmp_path: Path) -> None:
    shown, rows = run_bench(tmp_path, "calm", "--rows", "900000", "--seconds", "1")
    assert {name: (row["target"], row["at_most"]) for name, row in rows.items()} == {
        "calm-paced": (1.5, True),
        "calm-auto": (1.5, True),
        "calm-unpaced": (None, True),
    }
    assert "| calm-paced | p95 of pgbench at 400 transactions/s beside a report | 20,000 rows/s: " in shown
    for figure in ("auto, at ", "unpaced: ", "idle: "):
        assert figure in shown
