"""The page of the history: a chart for each row, that stands alone."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import page
from bench.chart import Point, chart, labelled, round_step
from bench.record import write_record

SVG = re.compile(r"<svg viewBox=\"0 0 360.*?</svg>", re.DOTALL)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - we made it


def row(name: str, value: float, *, target: float | None = 0.6) -> dict[str, Any]:
    figures = {"name": "Longhaul", "values": [value], "unit": "/s", "median": value, "lowest": value, "highest": value}
    met = target is None or value >= target
    return {
        "name": name, "work": "work & more", "ours": figures, "beside": None, "value": value, "unit": "×",
        "target": target, "at_most": False, "met": met,
    }  # fmt: skip


def made(day: int, *rows: dict[str, Any], machine: str = "one-2-cores", dirty: bool = False) -> dict[str, Any]:
    return {
        "schema": 1, "at": f"2026-11-{day:02}T10:00:00+00:00", "commit": f"{day:02}" * 20, "dirty": dirty,
        "machine": {"slug": machine, "load_average_at_start": 0.1}, "options": {"quick": False, "repeat": 5},
        "durations": {}, "rows": list(rows),
    }  # fmt: skip


def test_each_row_has_a_chart_with_a_point_for_each_record_that_has_it() -> None:
    records = [made(1, row("order", 0.5), row("gone", 2.0)), made(2, row("order", 0.7), machine="two-4-cores")]
    text = page.page(records)
    assert re.findall(r"<h2>(\w+)</h2>", text) == ["order", "gone"]
    order, gone = (parsed(svg) for svg in SVG.findall(text))
    assert [title.text for title in order.iter("title")] == [
        "0.50 ×, 2026-11-01T10:00, 5 runs, other sizes, load 0.1, 01010101, one-2-cores",
        "0.70 ×, 2026-11-02T10:00, 5 runs, other sizes, load 0.1, 02020202, two-4-cores",
    ]
    assert [each.tag for group in order.iter("g") for each in group if each.tag != "title"] == ["circle", "polygon"]
    assert len(list(gone.iter("title"))) == 1
    texts = [str(each.text) for each in order.iter("text")]
    assert [each for each in texts if "-" in each] == ["26-11-01", "26-11-02"]
    assert "0.70 ×; at least 0.6: met" in text


def test_it_says_what_is_missed_what_has_no_target_and_what_is_not_of_a_commit() -> None:
    text = page.page([made(1, row("order", 0.5), row("keyed", 1.0, target=None), dirty=True)])
    assert "at least 0.6: <span class=missed>missed</span>" in text
    assert "1.00 ×; no target" in text
    assert "01010101 with changes" in text


def test_it_needs_nothing_from_elsewhere_and_no_script() -> None:
    text = page.page([made(1, row("order", 0.5))])
    assert not re.search(r"<script|https?:|<link|<img|url\(|@import", text)
    assert "work &amp; more" in text


def test_the_command_writes_it_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert page.main(tmp_path) == 0
    assert "There is no record yet" in (tmp_path / "index.html").read_text()
    write_record(made(1, row("order", 0.5)), tmp_path / "a.json")
    page.main(tmp_path)
    assert "<h2>order</h2>" in (tmp_path / "index.html").read_text()
    assert capsys.readouterr().out.splitlines()[-1] == f"1 records: {tmp_path / 'index.html'}"


def test_the_target_lies_where_a_point_of_its_value_would() -> None:
    points = [Point("2026-11-01", "0", 2.0, 0, ""), Point("2026-11-02", "1", 1.0, 0, "")]
    svg = parsed(chart(points, target=1.0, unit="×", title=""))
    [target] = [line for line in svg.iter("line") if line.get("class") == "target"]
    assert [circle.get("cy") == target.get("y1") for circle in svg.iter("circle")] == [False, True]


@pytest.mark.parametrize(("points", "labels"), [(1, [0]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9])])
def test_of_many_points_only_some_are_labelled(points: int, labels: list[int]) -> None:
    assert labelled(points) == labels


@pytest.mark.parametrize(("top", "step"), [(1.15, 0.5), (0.7, 0.2), (11.5, 5.0), (4.0, 2.0), (390.0, 100.0)])
def test_the_axis_has_round_numbers(top: float, step: float) -> None:
    assert round_step(top) == pytest.approx(step)
