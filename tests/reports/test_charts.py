"""Charts: what may be declared, and what of a file is drawn."""

from typing import Any

import pytest

from reports.charts import MOST_SERIES, Chart, NoChartError, Series, draw


@pytest.mark.parametrize(
    ("declared", "mistakes"),
    [
        ({}, []),
        ({"by": "shop"}, []),
        ({"kind": "pie"}, ["The kind of a chart is one of: line, bar."]),
        ({"y": []}, ["y is a list with the name of at least one column."]),
        ({"y": "revenue"}, ["y is a list with the name of at least one column."]),
        ({"y": ["month"]}, ["x, y and by must name different columns."]),
        ({"by": "month"}, ["x, y and by must name different columns."]),
        ({"y": ["a", "b"], "by": "shop"}, ["With by, y has one column."]),
        ({"y": [f"c{n}" for n in range(MOST_SERIES + 1)]}, ["y has at most 12 columns."]),
    ],
)
def test_mistakes_in_a_declaration_are_named(declared: dict[str, Any], mistakes: list[str]) -> None:
    assert Chart(**{"kind": "line", "x": "month", "y": ["revenue"], **declared}).mistakes() == mistakes


HEADINGS = ["Month", "Shop", "Revenue", "Units"]
PLACES = {"month": 0, "shop": 1, "revenue": 2, "units": 3}


def test_each_column_is_a_series() -> None:
    chart = Chart(kind="bar", x="month", y=["revenue", "units"])
    drawing = draw(chart, [["01", "N", "1.50", ""], ["02", "N", "-2", "3e-05"]], PLACES, HEADINGS)
    assert (drawing.kind, drawing.title, drawing.x, drawing.labels) == ("bar", "Revenue, Units", "Month", ["01", "02"])
    assert drawing.series == [Series("Revenue", ["1.50", "-2"]), Series("Units", ["", "3e-05"])]
    assert drawing.points == [("01", ["1.50", ""]), ("02", ["-2", "3e-05"])]


def test_each_value_of_by_is_a_series_with_gaps() -> None:
    chart = Chart(kind="line", x="month", y=["revenue"], by="shop", title="By shop")
    drawing = draw(chart, [["01", "N", "1", ""], ["02", "S", "2", ""], ["02", "N", "3", ""]], PLACES, HEADINGS)
    assert (drawing.title, drawing.labels) == ("By shop", ["01", "02"])
    assert drawing.series == [Series("N", ["1", "3"]), Series("S", ["", "2"])]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "There is no chart, because the file has no rows."),
        (
            [["01", "N", "1,5", ""]],
            "There is no chart, because the column “Revenue” has a value that is not a number.",
        ),
        (
            [["01", "N", "NaN", ""]],
            "There is no chart, because the column “Revenue” has a value that is not a number.",
        ),
        (
            [["01", str(number), "1", ""] for number in range(MOST_SERIES + 1)],
            "There is no chart, because it would have 13 lines; at most 12 can be told apart.",
        ),
        ([["01", "N", "1", ""]] * 2, "There is no chart, because several rows would be at the same point."),
    ],
)
def test_what_cannot_be_drawn_says_why(rows: list[list[str]], reason: str) -> None:
    with pytest.raises(NoChartError) as error:
        draw(Chart(kind="line", x="month", y=["revenue"], by="shop"), rows, PLACES, HEADINGS)
    assert str(error.value) == reason
