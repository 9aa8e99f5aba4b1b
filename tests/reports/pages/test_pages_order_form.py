"""The order form: any serializer becomes one, and what is sent reaches the job as the API would have it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from rest_framework import serializers

from jobs.models import Job
from jobs.pages.file_format import CHOICES
from tabular.dialect import COMPRESSIONS, DELIMITERS, ENCODINGS, ERRORS, Dialect
from tests.support.page_text import words

pytestmark = pytest.mark.django_db


class AllSorts(serializers.Serializer[Any]):
    """A parameter of each sort that a report type is likely to have."""

    name = serializers.CharField(max_length=20, initial="<b>", label="Name")
    size = serializers.DecimalField(max_digits=6, decimal_places=2, min_value=0, default=Decimal("1.50"))
    since = serializers.DateTimeField(required=False)
    detailed = serializers.BooleanField()
    colour = serializers.ChoiceField(choices=["red", "green"], style={"base_template": "radio.html"}, required=False)
    shops = serializers.MultipleChoiceField(choices=[(1, "North"), (2, "South")], required=False)
    notes = serializers.CharField(required=False, style={"base_template": "textarea.html"})
    codes = serializers.ListField(child=serializers.CharField(), required=False)


def order(client: Client, report_type: str, **entered: Any) -> dict[str, Any]:
    """The payload of the job that a form makes."""
    response = client.post(f"/reports/new?type={report_type}", entered)
    assert response.status_code == 303, response.context["mistakes"]
    job = Job.objects.get()
    assert response["Location"] == f"/reports/{job.pk}"
    payload: dict[str, Any] = job.payload
    return payload


def test_each_sort_of_parameter_has_its_input(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 1", Parameters=AllSorts)
    html = signed_in.get("/reports/new?type=made").content.decode()
    for part in (
        f'name="parameters.name" type="text" value="{escape("<b>")}" maxlength="20" required',
        'name="parameters.size" type="number" value="1.50" min="0" step="any"',
        'name="parameters.since" type="datetime-local" value=""',
        'name="parameters.detailed" type="checkbox" value="true"> Detailed',
        'name="parameters.colour" type="radio" value="" checked> Not chosen',
        '<select multiple id="parameters.shops"',
        '<textarea id="parameters.notes"',
        "You can set this only through the",
    ):
        assert part in html


def test_what_is_entered_reaches_the_job(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 1", Parameters=AllSorts)
    entered = {"parameters.name": " x ", "parameters.size": "2", "parameters.since": "", "parameters.colour": ""}
    payload = order(signed_in, "made", **entered, **{"parameters.shops": ["2"], "csv.delimiter": "\t"})
    assert payload["parameters"] == {"name": "x", "size": "2.00", "detailed": False, "shops": [2]}
    assert payload["csv"] == Dialect(delimiter="\t", spreadsheetSafe=False).to_payload()


def test_a_box_that_is_the_only_parameter_may_be_left_unticked(
    signed_in: Client, report_of: Callable[..., str]
) -> None:
    class OneBox(serializers.Serializer[Any]):
        detailed = serializers.BooleanField()

    report_of("SELECT 1", Parameters=OneBox)
    assert order(signed_in, "made")["parameters"] == {"detailed": False}


def test_the_form_as_it_is_opened_orders_the_defaults(signed_in: Client) -> None:
    html = signed_in.get("/reports/new?type=customers").content.decode()
    assert '<option value="utf-8" selected>UTF-8</option>' in html
    assert 'name="csv.spreadsheetSafe" type="checkbox" value="true" checked' in html
    payload = order(signed_in, "customers", **{"parameters.country": "", "csv.spreadsheetSafe": "true"})
    assert payload["parameters"] == {}
    assert payload["csv"] == Dialect().to_payload()


def test_every_choice_of_the_format_has_its_words() -> None:
    for name, choices in (
        ("encoding", ENCODINGS), ("delimiter", DELIMITERS), ("compression", COMPRESSIONS), ("errors", ERRORS)
    ):  # fmt: skip
        assert tuple(CHOICES[name]) == choices


def test_a_missing_parameter_is_named(signed_in: Client) -> None:
    response = signed_in.post("/reports/new?type=yearly-sales", {"parameters.year": ""})
    assert response.status_code == 422
    [mistake] = response.context["mistakes"]
    assert (mistake.target, mistake.label, mistake.message) == (
        "parameters.year",
        "Year",
        "A valid integer is required.",
    )


def test_parameters_may_be_called_as_the_attributes_of_a_field(
    signed_in: Client, report_of: Callable[..., str]
) -> None:
    names = ("errors", "fields", "label", "name", "value")
    report_of("SELECT 1", Parameters=type("P", (serializers.Serializer,), {n: serializers.CharField() for n in names}))
    html = signed_in.get("/reports/new?type=made").content.decode()
    assert "<legend>Parameters</legend>" in html
    payload = order(signed_in, "made", **{f"parameters.{name}": name for name in names})
    assert payload["parameters"] == {name: name for name in names}


def test_an_order_can_be_made_like_an_earlier_one(signed_in: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(of="customers", parameters={"country": "JP"})
    html = signed_in.get(f"/reports/new?like={job.pk}").content.decode()
    assert '<option value="JP" selected>' in html
    assert 'action="/reports/new?type=customers"' in html
    assert 'name="csv.spreadsheetSafe" type="checkbox" value="true" checked' in html


def test_an_unknown_type_is_not_found(signed_in: Client) -> None:
    assert signed_in.get("/reports/new?type=nothing").status_code == 404
    assert signed_in.post("/reports/new?type=nothing").status_code == 404


def test_a_type_that_the_user_may_not_order_is_neither_shown_nor_found(
    signed_in: Client, report_of: Callable[..., str]
) -> None:
    report_of("SELECT 1", title="Secret", may_order=lambda self, user: False)
    assert "Secret" not in signed_in.get("/reports/new").content.decode()
    assert signed_in.get("/reports/new?type=made").status_code == 404


@pytest.mark.parametrize(
    ("entered", "preset"),
    [
        ({"csv.encoding": "latin-1", "csv.spreadsheetSafe": "true"}, "custom"),
        ({"csv.encoding": "utf-8"}, "custom"),  # the box was unticked
        ({"csv.encoding": "klingon", "csv.spreadsheetSafe": "true"}, "custom"),
        ({"csv.preset": "excel-ja", "csv.encoding": "klingon"}, "excel-ja"),
    ],
)
def test_the_file_format_stays_as_it_was_chosen_where_something_is_wrong(
    signed_in: Client, entered: dict[str, str], preset: str
) -> None:
    usual = {"csv.delimiter": ",", "csv.compression": "none", "csv.errors": "strict"}
    page = signed_in.post("/reports/new?type=yearly-sales", {**usual, **entered})
    assert "This field is required" in words(page), "the year is missing"
    assert f'type="radio" value="{preset}" checked>' in page.content.decode()


@pytest.mark.parametrize(
    ("preset", "csv"),
    [
        ("utf-8", Dialect()),
        ("excel", Dialect(encoding="utf-8-sig")),
        ("excel-ja", Dialect(encoding="cp932", errors="replace")),
        ("custom", Dialect(delimiter=";", spreadsheetSafe=False)),
    ],
)
def test_a_preset_is_a_file_format(signed_in: Client, make_job: Callable[..., Job], preset: str, csv: Dialect) -> None:
    entered = {"parameters.year": "2023", "csv.preset": preset, "csv.delimiter": ";"}
    assert order(signed_in, "yearly-sales", **entered)["csv"] == csv.to_payload()
    page = signed_in.get(f"/reports/new?like={Job.objects.get().pk}").content.decode()
    assert f'type="radio" value="{preset}" checked>' in page


def test_an_unknown_preset_is_refused(signed_in: Client) -> None:
    response = signed_in.post("/reports/new?type=customers", {"csv.preset": "klingon"})
    assert [mistake.target for mistake in response.context["mistakes"]] == ["csv.preset"]
