"""The first rows of a complete report, and its chart: a part of its page that is loaded after the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext

from jobs.errors import ArtifactError, StorageUnavailableError
from jobs.models import Artifact, Job
from jobs.numbers import format_number
from jobs.pages.detail_pages import DetailPages
from jobs.pages.detail_wording import ShownInFull
from jobs.pages.signed_in import SignedInRequest
from jobs.status import is_available
from reports.charts import MOST_ROWS, Chart, Drawing, NoChartError, draw
from reports.pages.result_table import ResultTable
from reports.stored_rows import BYTES_OF_CHART, BYTES_OF_TABLE, DamagedContentError, StoredRows, read_rows
from reports.types import REPORT_TYPES
from tabular.dialect import Dialect

#: Rows of the table.
ROWS_SHOWN: Final = 100


@dataclass(frozen=True)
class Result:
    """`problem` says why there is no table, and `no_chart` why the chart of the type is not drawn.

    `is_cut`: fewer rows are shown, because the next one is too long.
    """

    table: ResultTable | None = None
    drawing: Drawing | None = None
    no_chart: str = ""
    problem: str = ""
    is_cut: bool = False


class ResultPages(DetailPages):
    """What the page of a report shows of its file."""

    def additions(self, shown: ShownInFull) -> dict[str, Any]:
        """Whether scripts for a chart are needed."""
        return {"has_chart": (shown.is_active or shown.is_complete) and _chart_of(shown.job) is not None}

    def rows(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """The first rows: a part of the page for parts.js, which sends `X-Fragment`, else the whole page with them.

        `sort` is the number of a column, and `direction` is `ascending` or `descending`.
        """
        job = self.mine(request, job_id)
        if (artifact := job.result_artifact) is None or not is_available(artifact):
            return redirect(self.names["detail"], job.pk)
        result = read_result(job, artifact, request.GET.dict())
        if "X-Fragment" in request.headers:
            return self.render(request, "reports/result.html", result=result, job=job)
        return self.detail(request, job_id, result=result, job=job)


def read_result(job: Job, artifact: Artifact, query: dict[str, str]) -> Result:
    """The first rows of a complete report, sorted as the query of the address says, and its chart. No query."""
    chart = _chart_of(job)
    has_few = (artifact.row_count or 0) <= MOST_ROWS
    for_chart = chart is not None and has_few
    try:
        stored = read_rows(
            artifact,
            Dialect.from_payload(job.payload["csv"]),
            most_rows=MOST_ROWS if for_chart else ROWS_SHOWN,
            most_bytes=BYTES_OF_CHART if for_chart else BYTES_OF_TABLE,
        )
    except StorageUnavailableError:
        return Result(problem=gettext("The storage does not answer at the moment. Reload the page to try again."))
    except ArtifactError:
        return Result(problem=gettext("The storage has lost this file, or a part of it. Order the report again."))
    except DamagedContentError:
        return Result(problem=gettext("This file is damaged. Order the report again."))
    drawing, no_chart = _drawing(chart, stored, job, has_few=has_few) if chart else (None, "")
    table = ResultTable.asked(stored.headings, stored.rows[:ROWS_SHOWN], query)
    is_cut = stored.is_cut and len(table.rows) < min(ROWS_SHOWN, artifact.row_count or 0)
    return Result(table, drawing, no_chart, is_cut=is_cut)


def _chart_of(job: Job) -> Chart | None:
    known = REPORT_TYPES.find(job.type)
    return known.chart if known else None


def _drawing(chart: Chart, stored: StoredRows, job: Job, *, has_few: bool) -> tuple[Drawing | None, str]:
    """The drawing, or why there is none."""
    if not has_few:
        text = gettext("There is no chart, because the file has more than %(most)s rows.")
        return None, text % {"most": format_number(MOST_ROWS)}
    if stored.is_cut:
        return None, gettext("There is no chart, because the rows of the file are too long.")
    try:
        return draw(chart, stored.rows, _places(chart, stored, job), stored.headings), ""
    except NoChartError as error:
        return None, str(error)


def _places(chart: Chart, stored: StoredRows, job: Job) -> dict[str, int]:
    """The place of each column of the chart, by its heading in the language of the order. Raises NoChartError."""
    known = REPORT_TYPES.find(job.type)
    names = known.columns if known else {}
    places = {}
    with translation.override(job.payload.get("language")):
        headings = {column: str(names.get(column, column)) for column in chart.columns}
    for column, heading in headings.items():
        found = {heading, f"'{heading}"} & set(stored.headings)  # an apostrophe makes a heading safe for spreadsheets
        if not found:
            text = gettext("There is no chart, because the file has no column “%(heading)s”.")
            raise NoChartError(text % {"heading": heading})
        places[column] = stored.headings.index(found.pop())
    return places
