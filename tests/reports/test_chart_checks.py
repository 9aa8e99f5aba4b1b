"""The system check of charts."""

from collections.abc import Callable

import pytest

from reports.chart_checks import check_charts
from reports.charts import Chart


def test_the_bundled_charts_are_right() -> None:
    assert check_charts(None) == []


@pytest.mark.parametrize(
    ("chart", "message"),
    [
        (Chart(kind="line", x="a", y=[]), "y is a list with the name of at least one column."),
        ("line", "chart must be a reports.types.Chart."),
    ],
)
def test_a_wrong_chart_is_named_with_its_type(report_of: Callable[..., str], chart: object, message: str) -> None:
    report_of("SELECT 1", chart=chart)
    [found] = check_charts(None)
    assert (found.id, found.msg, found.obj.__name__) == ("reports.E010", message, "Made")
