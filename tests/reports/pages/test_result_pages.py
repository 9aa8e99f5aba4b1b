"""The first rows and the chart on the page of a complete report."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.models import Artifact, Job
from jobs.states import State
from reports.types import Chart
from tests.support.page_text import words
from tests.support.results import Finished

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[..., Finished]
NUMBERS = "SELECT n, 'x' || n AS name FROM generate_series(1, %s) AS n"


def fragment(client: Client, job: Job, **query: str) -> Any:
    return client.get(f"/reports/{job.pk}/rows", query, headers={"X-Fragment": "1"})


def cells(response: Any) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", response.content.decode())


def test_the_page_leaves_the_rows_to_a_second_request(
    signed_in: Client, report_of: Callable[..., str], run_order: Run, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = run_order(report_of(NUMBERS % 3)).job
    with django_assert_num_queries(5):  # session, user, preferences, the job with its file, its story
        page = signed_in.get(f"/reports/{job.pk}")
    html = page.content.decode()
    assert f'data-load="/reports/{job.pk}/rows"' in html
    assert f'href="/reports/{job.pk}/rows#result"' in html
    assert "<table" not in html
    with django_assert_num_queries(4):  # session, user, preferences, the job with its file
        part = fragment(signed_in, job)
    assert words(part) == "The first 3 rows n name 1 x1 2 x2 3 x3"
    assert '<th scope="col" class="number">' in part.content.decode()
    assert "<html" not in part.content.decode()


def test_without_a_script_the_rows_are_on_the_whole_page_and_sorted_by_links(
    signed_in: Client, report_of: Callable[..., str], run_order: Run
) -> None:
    job = run_order(report_of(NUMBERS % 3)).job
    page = signed_in.get(f"/reports/{job.pk}/rows", {"sort": "1", "direction": "descending"})
    html = page.content.decode()
    assert cells(page) == ["3", "x3", "2", "x2", "1", "x1"]
    assert '<th scope="col" class="number" aria-sort="descending">' in html
    assert f'href="/reports/{job.pk}/rows?sort=1&amp;direction=ascending#result"' in html
    assert "Download" in html
    assert "data-load" not in html


def test_no_more_than_a_hundred_rows_are_shown(
    signed_in: Client, report_of: Callable[..., str], run_order: Run
) -> None:
    part = fragment(signed_in, run_order(report_of(NUMBERS % 5000)).job)
    assert len(cells(part)) == 200
    assert "The first 100 rows" in words(part)


@pytest.mark.parametrize("csv", [{"compression": "gzip"}, {"encoding": "cp932", "delimiter": "\t"}])
def test_the_rows_are_read_as_they_were_written(
    signed_in: Client, report_of: Callable[..., str], run_order: Run, csv: dict[str, str]
) -> None:
    part = fragment(signed_in, run_order(report_of("SELECT '温熱' AS 名前, 1.50 AS x"), **csv).job)
    assert words(part) == "The first row 名前 x 温熱 1.50"


def test_hostile_cells_are_only_text(signed_in: Client, report_of: Callable[..., str], run_order: Run) -> None:
    query = "SELECT '<script>alert(1)</script>' AS \"<b>\", E'\\x01' AS c, repeat('y', 5000) AS long"
    part = fragment(signed_in, run_order(report_of(query)).job)
    assert cells(part) == ["&lt;script&gt;alert(1)&lt;/script&gt;", "␁", "y" * 200 + "…"]
    assert "<b>" not in part.content.decode()


def test_a_report_without_rows_says_so(signed_in: Client, report_of: Callable[..., str], run_order: Run) -> None:
    part = fragment(signed_in, run_order(report_of("SELECT 1 AS n WHERE false")).job)
    assert words(part) == "First rows The file has only its headings: the query found no rows. n"


def test_a_first_row_that_is_too_long_says_so(signed_in: Client, report_of: Callable[..., str], run_order: Run) -> None:
    part = fragment(signed_in, run_order(report_of("SELECT repeat('y', 300000) AS n")).job)
    assert words(part) == "First rows The first row is too long to show here. It is in the file. n"


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("delete", "The storage has lost this file, or a part of it. Order the report again."),
        ("shorten", "The storage has lost this file, or a part of it. Order the report again."),
        ("overwrite", "This file is damaged. Order the report again."),
        ("unplug", "The storage does not answer at the moment. Reload the page to try again."),
    ],
)
def test_a_file_that_cannot_be_read_says_so(
    signed_in: Client, report_of: Callable[..., str], run_order: Run, settings: Settings, harm: str, sentence: str
) -> None:
    finished = run_order(report_of(NUMBERS % 3), compression="gzip")
    artifact = Artifact.objects.get()
    path = storages["artifacts"].path(artifact.storage_name)
    if harm == "delete":
        storages["artifacts"].delete(artifact.storage_name)
    elif harm == "unplug":
        Artifact.objects.update(storage_name=f"{artifact.storage_name}/below-a-file")
    else:
        with open(path, "wb") as file:
            file.write(b"x" * (artifact.size_bytes - (harm == "shorten")))
    part = fragment(signed_in, finished.job)
    assert part.status_code == 200
    assert words(part) == f"First rows {sentence}"


def test_a_report_that_is_not_complete_has_no_rows(
    signed_in: Client, make_job: Callable[..., Job], publish: Callable[..., Artifact]
) -> None:
    running, expired = make_job(State.RUNNING), make_job(State.SUCCEEDED)
    publish(expired, expires_at=timezone.now())
    for job in (running, expired):
        for answer in (signed_in.get(f"/reports/{job.pk}/rows"), fragment(signed_in, job)):
            assert (answer.status_code, answer["Location"]) == (302, f"/reports/{job.pk}")


def test_the_rows_of_somebody_else_are_not_found(client: Client, report_of: Callable[..., str], run_order: Run) -> None:
    job = run_order(report_of(NUMBERS % 3)).job
    client.force_login(User.objects.create_user("bob"))
    assert fragment(client, job).status_code == 404
    client.logout()
    assert client.get(f"/reports/{job.pk}/rows").status_code == 302


CHART = Chart(kind="line", x="n", y=["m"], title="Squares")


def test_a_chart_is_drawn_from_a_table_of_its_numbers(
    signed_in: Client, report_of: Callable[..., str], run_order: Run
) -> None:
    made = report_of("SELECT n, n * n AS m FROM generate_series(1, 3) n", chart=CHART, columns={"m": "=Area"})
    job = run_order(made).job
    part = fragment(signed_in, job)
    assert words(part) == (
        "Squares The numbers of the chart n &#x27;=Area 1 1 2 4 3 9 The first 3 rows n &#x27;=Area 1 1 2 4 3 9"
    )
    assert '<table class="table" data-chart="line">' in part.content.decode()
    assert "Chart: Squares. Its numbers are in the table below it." in part.content.decode()
    assert "uPlot.iife.min.js" in signed_in.get(f"/reports/{job.pk}").content.decode()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT n, n AS m FROM generate_series(1, 2001) n", "the file has more than 2,000 rows."),
        ("SELECT 1 AS n", "the file has no column “m”."),
        ("SELECT 1 AS n, 'x' AS m", "the column “m” has a value that is not a number."),
        ("SELECT repeat('y', 3000000) AS n, 1 AS m", "the rows of the file are too long."),
        ("SELECT 1 AS n, 1 AS m WHERE false", "the file has no rows."),
    ],
)
def test_a_chart_that_cannot_be_drawn_says_why(
    signed_in: Client, report_of: Callable[..., str], run_order: Run, query: str, reason: str
) -> None:
    part = fragment(signed_in, run_order(report_of(query, chart=CHART)).job)
    assert f"There is no chart, because {reason}" in words(part)
    assert "data-chart" not in part.content.decode()


def test_the_library_is_loaded_only_where_there_may_be_a_chart(
    signed_in: Client, make_job: Callable[..., Job], publish: Callable[..., Artifact]
) -> None:
    def scripts(job: Job) -> list[str]:
        html = signed_in.get(f"/reports/{job.pk}").content.decode()
        return [name for name in ("sorting.js", "chart.js", "uPlot.iife.min.js") if name in html]

    every = ["sorting.js", "chart.js", "uPlot.iife.min.js"]
    done = make_job(State.SUCCEEDED)
    publish(done)
    assert scripts(done) == every
    assert scripts(make_job(State.RUNNING)) == every
    assert scripts(make_job(State.DEAD)) == ["sorting.js"]
    assert scripts(make_job(State.RUNNING, of="customers", parameters={})) == ["sorting.js"]
