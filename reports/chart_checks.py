"""System check of the charts of report types. Names of columns are only known once the query has run."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core import checks

from reports.charts import Chart
from reports.types import REPORT_TYPES


@checks.register(checks.Tags.compatibility)
def check_charts(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A wrong declaration would otherwise only be seen on the page of a complete report."""
    return list(_mistakes())


def _mistakes() -> Iterator[checks.CheckMessage]:
    for known in REPORT_TYPES.all():
        if known.chart is None:
            continue
        found = known.chart.mistakes() if isinstance(known.chart, Chart) else ["chart must be a reports.types.Chart."]
        for mistake in found:
            yield checks.Error(mistake, hint="See `chart` in docs/extending.md.", obj=type(known), id="reports.E010")
