"""The benchmarks run through the real code, and can fail."""

import pytest

from bench import __main__ as command
from bench.measuring import Measured, WrongWorkError, alternate, turns
from bench.table import Row, summary, table


def row(value: float, *, name: str = "export", at_most: bool = False) -> Row:
    measured = Measured("someone", [1.0], "s")
    return Row(name, "work", measured, measured, value, "×", 2.0, at_most=at_most)


def test_a_row_is_met_on_the_right_side_of_its_target() -> None:
    rows = [row(1.9), row(2.0), row(2.1, at_most=True), row(2.0, at_most=True)]
    assert [made.met for made in rows] == [False, True, False, True]


def test_the_summary_names_what_is_missed() -> None:
    assert summary([row(3.0), row(1.0, name="slow")]) == "Missed: slow."
    assert summary([row(3.0)]) == "All 1 targets are met."


@pytest.mark.parametrize(("value", "status"), [(2.0, 0), (1.0, 1)])
def test_the_exit_status_says_whether_all_targets_are_met(
    monkeypatch: pytest.MonkeyPatch, value: float, status: int
) -> None:
    monkeypatch.setattr(command, "measure", lambda options: [row(value)])
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    assert command.main([]) == status


def test_wrong_work_ends_with_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(options: object) -> list[Row]:
        raise WrongWorkError("two runs wrote different files")

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    assert command.main([]) == 2
    assert capsys.readouterr().err == "bench: two runs wrote different files\n"


def test_an_unknown_benchmark_is_refused_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["exprot"])
    assert "no benchmark named exprot: choose from export, memory" in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_contenders_run_in_turns_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    seen: list[tuple[str, int]] = []

    def contender(name: str) -> int:
        calls.append(name)
        return len(calls)

    measured = alternate(
        {"a": lambda: contender("a"), "b": lambda: contender("b"), "slow": lambda: contender("slow")},
        repeat=2,
        inspect=lambda name, made: seen.append((name, made)),
        once={"slow"},
    )
    assert calls == ["a", "b", "b", "slow", "a", "a", "b"]
    assert [number for _, number in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert [len(measured[name].values) for name in ("a", "b", "slow")] == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_a_warm_up_may_be_left_out() -> None:
    assert list(turns(["a", "b"], repeat=2, warm_up=False)) == [("b", False), ("a", False), ("a", False), ("b", False)]


def test_a_figure_shows_its_median_and_its_noise() -> None:
    seconds = Measured("ours", [2.0, 1.0, 4.0], "s")
    assert str(seconds) == "ours: 2.0 s (1.0..4.0)"
    assert str(seconds.per_second(8000, "rows")) == "ours: 4,000 rows/s (2,000..8,000)"
    assert "| export | work |" in table([row(1.0)])
