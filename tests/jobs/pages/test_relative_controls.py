"""Relative dates in the order form: an order resolves them at once, in the time zone of the user."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from rest_framework import serializers

from jobs.models import Job, Preferences
from reports.types import REPORT_TYPES, SQL, ReportType

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sunday_in_utc() -> Iterator[None]:
    """It is Sunday 20:00 in UTC, and already Monday, November 30, in Tokyo, where ada lives."""
    with time_machine.travel("2026-11-29T20:00Z", tick=False):
        yield


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    """The client of ada, who lives in Tokyo."""
    Preferences.objects.create(user=owner, language="en", time_zone="Asia/Tokyo")
    client.force_login(owner)
    return client


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Register a report type with these parameters."""

    def make(**fields: Any) -> None:
        parameters = type("Parameters", (serializers.Serializer,), fields)
        query = {"query": lambda self, parameters, user: SQL("SELECT 1")}
        made = type("Made", (ReportType,), {"identifier": "made", "title": "Made", "Parameters": parameters, **query})
        monkeypatch.setattr(REPORT_TYPES, "_types", {**REPORT_TYPES._types, "made": made()})

    return make


def ordered(client: Client, report_type: str, **entered: str) -> dict[str, Any]:
    """The parameters of the job that a form orders."""
    response = client.post(f"/reports/new?type={report_type}", entered)
    assert response.status_code == 303, response.context["mistakes"]
    parameters: dict[str, Any] = Job.objects.get().payload["parameters"]
    return parameters


def test_a_date_has_a_second_control(signed_in: Client) -> None:
    html = signed_in.get("/reports/new?type=order-lines").content.decode()
    assert (
        'name="relative.dateFrom" aria-label="Fixed or relative" aria-describedby="parameters.dateFrom-relative"'
        in html
    )
    assert '<option value="" selected>Fixed date</option>' in html
    assert '<option value="end-of-last-quarter">End of last quarter</option>' in html
    assert "A relative choice for “From” takes precedence over what is entered." in html
    assert 'name="relative.country"' not in signed_in.get("/reports/new?type=customers").content.decode()


def test_a_relative_date_is_resolved_in_the_zone_of_the_user(signed_in: Client) -> None:
    chosen = {"relative.dateFrom": "start-of-this-week", "relative.dateTo": "yesterday"}
    response = signed_in.post("/reports/new?type=order-lines", chosen)
    assert response.status_code == 422, "this week has begun today, so yesterday is before it"
    chosen["relative.dateFrom"] = "start-of-last-week"
    assert ordered(signed_in, "order-lines", **chosen) == {"dateFrom": "2026-11-23", "dateTo": "2026-11-29"}


def test_the_relative_choice_takes_precedence(signed_in: Client) -> None:
    entered = {"relative.dateFrom": "today", "parameters.dateFrom": "2020-01-01", "parameters.dateTo": "2026-12-31"}
    assert ordered(signed_in, "order-lines", **entered) == {"dateFrom": "2026-11-30", "dateTo": "2026-12-31"}


def test_a_year_may_be_relative(signed_in: Client) -> None:
    html = signed_in.get("/reports/new?type=yearly-sales").content.decode()
    assert '<option value="" selected>Fixed year</option>' in html
    assert 'name="parameters.year" type="number" value="" min="1990" max="2100" aria' in html, "it is not required"
    assert ordered(signed_in, "yearly-sales", **{"relative.year": "last-year"}) == {"year": 2025}


def test_a_time_is_the_start_or_the_end_of_its_day(signed_in: Client, register: Any) -> None:
    register(since=serializers.DateTimeField(), until=serializers.DateTimeField(required=False))
    assert "Start of last week, 00:00" in signed_in.get("/reports/new?type=made").content.decode()
    chosen = {"relative.since": "start-of-last-week", "relative.until": "end-of-last-week"}
    assert ordered(signed_in, "made", **chosen) == {
        "since": "2026-11-23T00:00:00+09:00",
        "until": "2026-11-29T23:59:59.999999+09:00",
    }


def test_a_nested_field_and_an_own_format_are_resolved(signed_in: Client, register: Any) -> None:
    period = type(
        "Period", (serializers.Serializer,), {"from": serializers.DateField(), "note": serializers.CharField()}
    )
    register(period=period(), day=serializers.DateField(input_formats=["%d.%m.%Y"], format="%d.%m.%Y"))
    chosen = {"relative.period.from": "yesterday", "relative.day": "today", "parameters.period.note": "x"}
    assert ordered(signed_in, "made", **chosen) == {
        "period": {"from": "2026-11-29", "note": "x"},
        "day": "30.11.2026",
    }


def test_secrets_are_never_relative(signed_in: Client, register: Any) -> None:
    register(born=serializers.DateField(write_only=True))
    html = signed_in.get("/reports/new?type=made").content.decode()
    assert 'type="password"' in html
    assert "relative.born" not in html


@pytest.mark.parametrize(("report_type", "field"), [("order-lines", "dateFrom"), ("yearly-sales", "year")])
def test_an_unknown_moment_is_refused(signed_in: Client, report_type: str, field: str) -> None:
    response = signed_in.post(f"/reports/new?type={report_type}", {f"relative.{field}": "whenever"})
    assert response.status_code == 422
    assert [mistake.target for mistake in response.context["mistakes"]] == [f"parameters.{field}"]


def test_a_form_with_a_mistake_keeps_the_choice(signed_in: Client) -> None:
    entered = {"relative.dateFrom": "today", "parameters.dateTo": "2020-01-01"}
    response = signed_in.post("/reports/new?type=order-lines", entered)
    assert response.status_code == 422
    assert '<option value="today" selected>Today</option>' in response.content.decode()
