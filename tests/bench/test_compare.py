"""The table of what has changed between two commits."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import compare


def row(name: str, value: float, *, target: float | None = 0.6, at_most: bool = False) -> dict[str, Any]:
    """As the first version of `--json` had them."""
    ours = {"name": "Longhaul", "values": [100 * value], "unit": "/s"}
    return {"name": name, "ours": ours, "value": value, "unit": "×", "target": target, "at_most": at_most}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Before, before, after, after."""
    content = [
        [row("order", 0.4), row("gone", 1.0)],
        [row("order", 0.6), row("gone", 1.0)],
        [row("order", 0.7), row("calm", 1.3, target=1.2, at_most=True), row("new", 2.0, target=None)],
        [row("order", 0.9), row("calm", 1.0, target=1.2, at_most=True), row("new", 2.0, target=None)],
    ]
    names = [tmp_path / f"{number}.json" for number in range(4)]
    for file, rows in zip(names, content, strict=True):
        file.write_text(json.dumps({"rows": rows}))
    return names


def test_two_files_are_before_and_after(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main([str(files[0]), str(files[2])]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "| row | before | after | change | Longhaul before | Longhaul after | target |  |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| order | 0.40 × | 0.70 × | +75 % | 40.0 /s | 70.0 /s | at least 0.6 | met |",
        "| calm |  | 1.30 × |  |  | 130.0 /s | at most 1.2 | MISSED |",
        "| new |  | 2.00 × |  |  | 200.0 /s |  |  |",
        "| gone | 1.00 × |  |  | 100.0 /s |  |  |  |",
    ]


def test_of_several_files_the_median_counts_and_the_range_is_shown(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = (list(map(str, files[:2])), list(map(str, files[2:])))
    compare.main(["--before", *before, "--after", *after])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == (
        "| order | 0.50 (0.40..0.60) × | 0.80 (0.70..0.90) × | +60 % | 50.0 (40.0..60.0) /s | 80.0 (70.0..90.0) /s "
        "| at least 0.6 | met |"
    )
    assert lines[3].endswith("| at most 1.2 | met |")


def test_one_file_is_not_enough(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compare.main([str(files[0])])
    assert "name two files" in capsys.readouterr().err
