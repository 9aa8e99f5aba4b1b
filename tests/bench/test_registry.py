"""What a run of all benchmarks is made of."""

from importlib.util import find_spec

import pytest

from bench import registry
from bench.__main__ import parse, sizes_of
from bench.registry import BENCHMARKS, ONLY_BY_NAME, selected
from bench.sizes import FULL, HELP, NAMES, QUICK


def test_each_benchmark_has_a_module_and_the_set_names_benchmarks() -> None:
    assert [name for name, module in BENCHMARKS.items() if find_spec(module) is None] == []
    assert set(BENCHMARKS) >= ONLY_BY_NAME


def test_a_run_of_all_leaves_out_what_takes_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BENCHMARKS", {"a": "", "large": "", "b": ""})
    monkeypatch.setattr(registry, "ONLY_BY_NAME", frozenset({"large"}))
    assert selected([]) == ["a", "b"]
    assert selected(["b", "large", "a"]) == ["a", "large", "b"]


def test_sizes_are_those_of_the_command_line_then_the_usual_ones() -> None:
    assert sizes_of(parse([])) == FULL
    assert sizes_of(parse(["--quick"])) == QUICK
    quick = sizes_of(parse(["--quick", "--upload-rows", "7"]))
    assert (quick.upload_rows, quick.lines) == (7, QUICK.lines)
    assert set(HELP) == set(NAMES)
    assert all(getattr(QUICK, name) <= getattr(FULL, name) for name in NAMES)
