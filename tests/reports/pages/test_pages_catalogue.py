"""The catalogue: groups, search, columns, and what a type usually takes; nothing is invented."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs.models import RecentRuns
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

TYPES = ["customers", "order-lines", "yearly-sales"]


def past(of: str, *, seconds: list[float], rows: list[int], sizes: list[int] | None) -> None:
    RecentRuns.objects.create(
        kind="report", type=of, seconds=seconds, rows=rows, rows_expected=[None] * len(rows), bytes=sizes
    )


def titles(response: Any) -> list[tuple[str, list[str]]]:
    return [(group.title, [one.job_type.identifier for one in group.entries]) for group in response.context["groups"]]


def test_each_type_has_its_description_and_columns(signed_in: Client) -> None:
    response = signed_in.get("/reports/new")
    assert titles(response) == [("", TYPES)]
    text = words(response)
    assert "Yearly sales Orders, units and revenue of a year" in text
    assert "Columns Month Category Orders Units Revenue (USD) Revenue a year before (USD) Growth (%)" in text
    assert "customer_name country sku and 7 more" in text
    assert "Usually" not in text
    assert "Other" not in text


def test_groups_are_sorted_and_the_rest_comes_last(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 1", group="Sales")
    report_of("SELECT 1", group="Accounts", identifier="balances")
    response = signed_in.get("/reports/new")
    assert titles(response) == [("Accounts", ["balances"]), ("Sales", ["made"]), ("Other", TYPES)]


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        ("YEARLY", ["yearly-sales"]),
        ("category order", ["order-lines", "yearly-sales"]),
        ("kana", ["customers"]),
        ("x<", []),
    ],
)
def test_the_search_looks_at_titles_descriptions_and_columns(
    signed_in: Client, searched: str, found: list[str]
) -> None:
    response = signed_in.get("/reports/new", {"q": f" {searched} "})
    assert [name for _, names in titles(response) for name in names] == found
    assert f'value="{searched.replace("<", "&lt;")}"' in response.content.decode()
    assert ('role="status">No report type matches this search.' in response.content.decode()) == (not found)


def test_what_a_type_usually_takes_is_the_median(signed_in: Client) -> None:
    past("customers", seconds=[11.6, 12, 12.4], rows=[39_000, 40_000, 41_000], sizes=[2_900_000, 3_000_000, 3_100_000])
    past("order-lines", seconds=[100, 125, 700], rows=[5, 50, 5000], sizes=[1, 10, 1000])  # they have nothing in common
    past("yearly-sales", seconds=[0.2, 0.3, 0.4], rows=[1, 1, 1], sizes=None)  # counted before sizes were
    text = words(signed_in.get("/reports/new"))
    assert "Usually 12 s, 40,000 rows, 3.0 MB" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Usually 2 min 5 s " in text
    assert "Usually 1 s, 1 row" in text


def test_few_runs_are_no_history(signed_in: Client) -> None:
    past("customers", seconds=[12, 12], rows=[40_000] * 2, sizes=[3_000_000] * 2)
    assert "Usually" not in words(signed_in.get("/reports/new"))


def test_the_number_of_queries_is_constant(
    signed_in: Client, report_of: Callable[..., str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        report_of("SELECT 1", identifier=f"made-{number}")
        past(f"made-{number}", seconds=[1] * 3, rows=[1] * 3, sizes=[1] * 3)
    with django_assert_num_queries(5):  # session, user, preferences, what runs of all types took, saved orders
        signed_in.get("/reports/new")
