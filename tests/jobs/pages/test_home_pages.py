"""The start page: its panels, whose jobs they show, and what it costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import format_html
from pytest_django import DjangoAssertNumQueries

from calls.types import CALL_TYPES
from jobs.models import Artifact, Event, Job
from jobs.pages import home_pages, home_panels, sections
from jobs.pages.home_panels import register_home_panel
from jobs.states import State
from reports.types import REPORT_TYPES
from tests.support.page_text import words
from uploads.types import UPLOAD_TYPES

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
Publish = Callable[..., Artifact]
FAILED: dict[str, Any] = {"error": {"code": "x", "detail": "Why.", "retryable": True}}


def panels(client: Client) -> dict[str, list[Job]]:
    home = client.get("/").context["home"]
    names = ("active", "failed", "expiring", "ready")
    return {name: [row.job for row in getattr(home, name).rows] for name in names if getattr(home, name).rows}


def test_a_new_user_learns_what_this_is_and_where_to_begin(signed_in: Client) -> None:
    page = signed_in.get("/")
    assert "Welcome to Longhaul" in words(page)
    assert 'href="/reports/new">Order a report' in page.content.decode()
    assert "Nothing is running" not in words(page)


def test_a_new_user_finds_the_first_types_of_each_kind_one_click_away(
    signed_in: Client, owner: User, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_pages, "MOST_FIRST_TYPES", 2)
    expected = [
        f"/{path}/new?type={one.identifier}"
        for path, types in (("reports", REPORT_TYPES), ("uploads", UPLOAD_TYPES), ("calls", CALL_TYPES))
        for one in types.orderable_by(owner)[:2]
    ]
    assert re.findall(r'class="chip" href="([^"]+)"', signed_in.get("/").content.decode()) == expected
    assert len(expected) == 6
    make_job()
    assert 'class="chip"' not in signed_in.get("/").content.decode()


def test_each_job_is_in_the_panel_that_it_belongs_to(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    now = timezone.now()
    queued, running, failed = make_job(), make_job(State.RUNNING), make_job(State.FAILED, retry_at=now)
    dead = make_job(State.DEAD, result=FAILED)
    make_job(State.CANCELLED)
    kept, soon, fetched, late, gone = (make_job(State.SUCCEEDED) for _ in range(5))
    publish(kept, expires_at=now + timedelta(days=3))
    for job in (soon, fetched):
        publish(job, expires_at=now + timedelta(days=1))
    Event.objects.create(job=fetched, name="downloaded")
    publish(late, expires_at=now - timedelta(seconds=1))
    publish(gone, deleted_at=now)
    assert panels(signed_in) == {
        "active": [failed, running, queued], "failed": [dead], "expiring": [soon], "ready": [fetched, kept],
    }  # fmt: skip
    text = words(signed_in.get("/"))
    assert "Not downloaded yet; expires 23 hours from now" in text
    assert "Why." in text


def test_an_upload_with_rejected_rows_needs_its_user(signed_in: Client, make_job: MakeJob) -> None:
    make_job(State.SUCCEEDED, result={"upload": {"phase": "merged", "rowsFailed": 0}})
    make_job(State.SUCCEEDED, result={"upload": {"phase": "planned", "rowsFailed": 3}})  # a check
    rejected = make_job(
        State.SUCCEEDED, result={"upload": {"phase": "merged", "rowsFailed": 12}}, finished_at=timezone.now()
    )
    make_job(State.SUCCEEDED, result=[1])
    assert panels(signed_in) == {"failed": [rejected]}
    assert "12 rows were rejected" in words(signed_in.get("/"))


def test_panels_are_short_and_lead_to_the_list(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    for _ in range(6):
        make_job()
        make_job(State.DEAD, result=FAILED)
        publish(make_job(State.SUCCEEDED))
    assert {name: len(jobs) for name, jobs in panels(signed_in).items()} == {"active": 5, "failed": 5, "ready": 5}
    assert "Number 2 in the queue" in words(signed_in.get("/")), "of the oldest one that is shown"
    content = signed_in.get("/").content.decode()
    for query in ("status=Queued&amp;status=In+Progress&amp;status=Canceling", "status=Failed", "status=Complete"):
        assert f'href="/reports?{query}"' in content
        assert signed_in.get(f"/reports?{query.replace('&amp;', '&')}").context["page"].rows


def test_jobs_of_others_and_of_kinds_without_pages_are_not_shown(
    signed_in: Client, make_job: MakeJob, publish: Publish
) -> None:
    bob = User.objects.create_user("bob")
    for state in State:
        publish(make_job(state, owner=bob), role="result")
        make_job(state, kind="callback", queue="callbacks")
    assert panels(signed_in) == {}


@pytest.mark.parametrize("jobs", [1, 30])
def test_the_start_page_costs_the_same_however_many_jobs_there_are(
    signed_in: Client,
    make_job: MakeJob,
    publish: Publish,
    django_assert_num_queries: DjangoAssertNumQueries,
    jobs: int,
) -> None:
    for state in [State.SUCCEEDED, State.DEAD, State.QUEUED, State.RUNNING] * jobs:
        publish(make_job(state))
    # session, user, preferences, ids, jobs, artifacts, what runs of their types took, the queue (two); the panel of
    # schedules, which does not refresh itself
    for path, queries in (("/", 10), ("/home/live", 9)):
        with django_assert_num_queries(queries):
            signed_in.get(path)


def test_other_rooms_add_panels(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_panels, "_panels", [])
    register_home_panel(lambda request: format_html("<section>Next run of {}</section>", request.user))
    register_home_panel(lambda request: "")
    assert "Next run of ada" in words(signed_in.get("/"))


def test_home_is_the_first_section(signed_in: Client) -> None:
    assert list(sections.sections())[:2] == ["home", "report-list"]
    content = signed_in.get("/").content.decode()
    assert '<a class="brand" href="/">' in content
    assert '<a href="/" aria-current="page">Home</a>' in content


def test_a_page_within_a_section_marks_the_section(signed_in: Client) -> None:
    content = signed_in.get("/reports/new").content.decode()
    assert '<a href="/reports" aria-current="true">Reports</a>' in content
    assert content.count('aria-current="true"') == 1
