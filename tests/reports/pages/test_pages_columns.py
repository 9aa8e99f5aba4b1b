"""Columns in the order form: offered, chosen, kept, and refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job
from tests.support.page_text import words

ALL = ["Month", "Category", "Orders", "Units", "Revenue (USD)", "Revenue a year before (USD)", "Growth (%)"]

pytestmark = pytest.mark.django_db


def order(
    client: Client, *chosen: str, of: str = "yearly-sales", year: str = "2023", offered: list[str] = ALL, **more: str
) -> Any:
    values = {"parameters.year": year, "columns_offered": "yes", "columns": list(chosen), "headings": offered}
    return client.post(f"/reports/new?type={of}", {**values, **more})


def test_all_are_offered_and_ticked(signed_in: Client) -> None:
    page = signed_in.get("/reports/new?type=yearly-sales")
    assert "Columns all, in their usual order" in words(page)
    assert page.content.decode().count('name="columns" value=') == len(ALL)
    assert page.content.decode().count(" checked> <span>") == len(ALL)


def test_all_in_the_usual_order_are_no_choice(signed_in: Client) -> None:
    assert order(signed_in, *ALL).status_code == 303
    assert "columns" not in Job.objects.get().payload


def test_some_are_ordered_in_the_order_of_the_page(signed_in: Client) -> None:
    assert order(signed_in, "Units", "Month").status_code == 303
    job = Job.objects.get()
    assert job.payload["columns"] == ["Units", "Month"]
    assert "Columns Units, Month" in words(signed_in.get(f"/reports/{job.pk}"))
    again = words(signed_in.get(f"/reports/new?like={job.pk}"))
    assert "Columns 2 chosen" in again
    assert again.index("Units", again.index("2 chosen")) < again.index("Category", again.index("2 chosen"))


def test_at_least_one_is_needed(signed_in: Client) -> None:
    answer = order(signed_in)
    assert answer.status_code == 422
    assert [(one.target, one.message) for one in answer.context["mistakes"]] == [
        ("columns", "Choose at least one column.")
    ]
    assert '<details class="columns-choice" id="columns" data-columns open>' in answer.content.decode()


def test_a_column_that_does_not_exist_is_refused(signed_in: Client) -> None:
    answer = order(signed_in, "Month", "Colour")
    assert answer.status_code == 422
    assert "There is no such column. The columns are: Month, Category," in answer.context["mistakes"][0].message


def test_a_choice_survives_a_mistake_elsewhere(signed_in: Client) -> None:
    page = order(signed_in, "Units", "Month", year="1").content.decode()
    places = [page.index(f'name="columns" value="{heading}"') for heading in ("Units", "Month", "Category")]
    assert places == sorted(places)
    assert page.count(" checked> <span>") == 2


@pytest.mark.django_db(transaction=True)
def test_a_preview_learns_the_columns_of_a_type_that_does_not_tell_them(
    signed_in: Client, report_of: Callable[..., str]
) -> None:
    report_of("SELECT 1 AS a, 2 AS b, 'x' AS \"c<d\"")
    assert "See a preview, then choose them here." in words(signed_in.get("/reports/new?type=made"))
    preview = signed_in.post("/reports/new?type=made", {"preview": "yes"}).content.decode()
    for heading in ("a", "b", "c&lt;d"):
        assert f'name="columns" value="{heading}" checked>' in preview
        assert f'name="headings" value="{heading}">' in preview
    headings = ["a", "b", "c<d"]
    again = order(signed_in, "c<d", of="made", offered=headings, preview="yes").content.decode()
    assert 'name="columns" value="c&lt;d" checked>' in again
    assert 'name="columns" value="a">' in again
    assert order(signed_in, "c<d", of="made", offered=headings).status_code == 303
    job = Job.objects.get()
    assert job.payload["columns"] == ["c<d"]
    like = signed_in.get(f"/reports/new?like={job.pk}").content.decode()
    assert 'name="columns" value="c&lt;d" checked>' in like
    assert 'name="headings"' not in like, "the other columns are not known here"
    assert order(signed_in, "c<d", of="made", offered=[], again="yes").status_code == 303
    assert Job.objects.order_by("-pk")[0].payload == job.payload


@pytest.mark.django_db(transaction=True)
def test_equal_headings_are_not_offered(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 1 AS a, 2 AS a")
    assert 'name="columns"' not in signed_in.post("/reports/new?type=made", {"preview": "yes"}).content.decode()
