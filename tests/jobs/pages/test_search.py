"""The search: what finds a job, whose jobs, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page
from pytest_django import DjangoAssertNumQueries
from rest_framework import serializers

from jobs.models import Artifact, Job, Preferences
from jobs.payloads.sealing import SEALED
from jobs.states import State
from reports.types import REPORT_TYPES
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
Publish = Callable[..., Artifact]


def found(client: Client, asked: str) -> list[Job]:
    page = client.get("/search", {"q": asked})
    assert page.status_code == 200
    return [row.job for row in page.context["found"].rows]


def test_a_job_is_found_by_title_value_file_and_id(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    sales, customers = make_job(State.SUCCEEDED), make_job(of="customers", parameters={"country": "JP", "n": 5})
    publish(sales, filename="Umsätze-2023.csv")
    for asked in ("yearly", "YEARLY sales", "yearly-sales", "2023 sales", "umsätze", str(sales.pk), str(sales.pk)[:30]):
        assert found(signed_in, asked) == [sales], asked
    for asked in ("customers", "jp", "Custom JP 5"):
        assert found(signed_in, asked) == [customers], asked
    assert found(signed_in, "s") == [customers, sales]


@pytest.mark.django_db(transaction=True)
def test_the_found_jobs_stand_below_each_other(ada_page: Page, make_job: MakeJob) -> None:
    make_job(State.CANCELLED)
    make_job(State.CANCELLED)
    ada_page.goto("/search?q=yearly")
    first, second = (row.bounding_box() for row in ada_page.locator(".jobs > li").all())
    assert first is not None
    assert second is not None
    assert second["y"] > first["y"] + first["height"]


@pytest.mark.parametrize(
    "asked", ["country", "utf-8", "report", "%", "_", "\\", "sales 1999", "5_5", "0 OR 1=1", "'", "\0"]
)
def test_other_things_find_nothing(signed_in: Client, make_job: MakeJob, asked: str) -> None:
    make_job(of="customers", parameters={"country": "JP", "n": 555})
    make_job(State.CANCELLED)
    assert signed_in.get("/search", {"q": asked}).status_code == 200
    assert not asked.strip("\0") or found(signed_in, asked) == []


def test_marks_of_a_pattern_are_found_as_they_are(signed_in: Client, make_job: MakeJob) -> None:
    made = [make_job(of="customers", parameters={"name": name}) for name in ("50%", "a_b", "c\\d", "{n}")]
    assert [found(signed_in, asked) for asked in ("0%", "a_", "c\\", "{n}")] == [[job] for job in made]


def test_a_value_is_also_found_by_its_label(
    signed_in: Client, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Parameters(serializers.Serializer[Any]):
        country = serializers.ChoiceField(choices=[("JP", "Japan"), ("DE", "Germany")])
        shops = serializers.MultipleChoiceField(choices=[(1, "North"), (2, "South")])

    monkeypatch.setattr(type(REPORT_TYPES.all()[0]), "Parameters", Parameters)
    of = REPORT_TYPES.all()[0].identifier
    job = make_job(of=of, parameters={"country": "JP", "shops": [1, 2]})
    other = make_job(of=of, parameters={"country": "DE", "shops": [2]})
    make_job(parameters={"country": "JP"})
    for asked in ("japan", "JAP", "japan north", "north"):
        assert found(signed_in, asked) == [job], asked
    assert found(signed_in, "south") == [other, job]


def test_a_secret_finds_nothing(signed_in: Client, make_job: MakeJob) -> None:
    make_job(of="customers", parameters={"password": {SEALED: "gAAAAAsecret"}, "list": ["deep"]})
    assert found(signed_in, "gAAAA") == []
    assert len(found(signed_in, "deep")) == 1


def test_the_file_of_an_upload_is_found(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job()
    Job.objects.update(payload={**job.payload, "file": {"filename": "parcels of march.csv"}})
    assert found(signed_in, "parcels march") == [job]
    assert "File parcels of march.csv" in words(signed_in.get("/search?q=march"))


def test_the_search_is_in_the_language_of_the_page(signed_in: Client, owner: User, make_job: MakeJob) -> None:
    Preferences.objects.create(user=owner, language="ja")
    job = make_job()
    assert found(signed_in, "yearly-sales") == [job]
    assert signed_in.get("/search").headers["Content-Language"] == "ja"


def test_results_go_on_on_the_next_page(signed_in: Client, make_job: MakeJob) -> None:
    jobs = [make_job(State.CANCELLED) for _ in range(21)]
    first = signed_in.get("/search?q=yearly+2023")
    assert [row.job for row in first.context["found"].rows] == jobs[:0:-1]
    older = f"/search?q=yearly%202023&amp;before={jobs[1].pk}"
    assert f'href="{older}"' in first.content.decode()
    second = signed_in.get(older.replace("&amp;", "&"))
    assert [row.job for row in second.context["found"].rows] == jobs[:1]
    assert "There are no older results." in words(signed_in.get(f"/search?q=yearly&before={jobs[0].pk}"))
    assert signed_in.get("/search?q=x&before=no-id").status_code == 404


def test_a_page_looks_at_a_bounded_number_of_jobs_and_the_next_one_goes_on(
    signed_in: Client, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.pages.search.MOST_JOBS", 3)
    old = make_job(parameters={"year": 1999})
    for _ in range(5):
        make_job()
    first = signed_in.get("/search?q=1999")
    assert first.context["found"].rows == []
    assert "Older jobs have not been looked at yet. Search older jobs" in words(first)
    second = signed_in.get(f"/search?q=1999&before={first.context['found'].next_before}")
    assert [row.job for row in second.context["found"].rows] == [old]
    assert "Search older jobs" not in words(second)
    assert found(signed_in, str(old.pk)) == [old], "an id is found at once"


def test_jobs_of_others_and_of_kinds_without_pages_are_not_found(signed_in: Client, make_job: MakeJob) -> None:
    foreign = make_job(owner=User.objects.create_user("bob"))
    inner = make_job(kind="callback", queue="callbacks")
    for asked in ("yearly", "2023", str(foreign.pk), str(inner.pk)):
        assert found(signed_in, asked) == []


def test_nothing_asked_nothing_found_and_too_much_asked_are_told(signed_in: Client) -> None:
    assert "Search your reports and uploads by the name of their type" in words(signed_in.get("/search?q=+"))
    nothing = signed_in.get("/search", {"q": "<b>"})
    assert "Nothing was found for “&lt;b&gt;”." in words(nothing)
    long = signed_in.get("/search", {"q": "x" * 101})
    assert (long.status_code, "Search for at most 100 characters." in words(long)) == (400, True)


@pytest.mark.parametrize("jobs", [1, 30])
def test_the_search_costs_the_same_however_many_jobs_there_are(
    signed_in: Client,
    make_job: MakeJob,
    publish: Publish,
    django_assert_num_queries: DjangoAssertNumQueries,
    jobs: int,
) -> None:
    for state in [State.SUCCEEDED, State.QUEUED, State.RUNNING] * jobs:
        publish(make_job(state))
    # session, user, preferences, ids, jobs, artifacts, what runs of their types took, the queue (two)
    with django_assert_num_queries(9):
        signed_in.get("/search?q=yearly+2023")
