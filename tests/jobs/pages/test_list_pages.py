"""The list of a kind: pages, filters, and what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.models import Artifact, Job, Preferences
from jobs.models.ids import first_id_at
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
Publish = Callable[..., Artifact]


def listed(client: Client, query: str = "") -> list[Job]:
    return [row.job for row in client.get(f"/reports?{query}").context["page"].rows]


@pytest.mark.parametrize("jobs", [1, 30])
def test_the_list_costs_the_same_however_long_it_is(
    signed_in: Client,
    make_job: MakeJob,
    publish: Publish,
    django_assert_num_queries: DjangoAssertNumQueries,
    jobs: int,
) -> None:
    for state in [State.SUCCEEDED, State.QUEUED, State.RUNNING] * jobs:
        publish(make_job(state))
    # session, user, preferences, jobs, artifacts, what runs of their types took, the queue (two)
    for path in ("/reports", "/reports/live", "/reports?status=Queued&status=In+Progress&status=Complete"):
        with django_assert_num_queries(8):
            signed_in.get(path)


def test_the_list_goes_on_where_its_page_ends_with_the_same_filters(signed_in: Client, make_job: MakeJob) -> None:
    jobs = [make_job(State.CANCELLED) for _ in range(21)]
    make_job(State.DEAD)
    first = signed_in.get("/reports?status=Canceled")
    assert [row.job for row in first.context["page"].rows] == jobs[:0:-1]
    older = f"/reports?status=Canceled&amp;before={jobs[1].pk}"
    assert f'href="{older}"' in first.content.decode()
    second = signed_in.get(older.replace("&amp;", "&"))
    assert [row.job for row in second.context["page"].rows] == jobs[:1]
    assert "Older" not in words(second)
    assert 'href="/reports?status=Canceled">Newest' in second.content.decode()
    assert "There are no older reports." in words(signed_in.get(f"/reports?before={jobs[0].pk}"))
    assert signed_in.get("/reports", {"before": "no-id"}).status_code == 404


def test_filters_can_be_combined(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    dead, queued, other = make_job(State.DEAD), make_job(), make_job(State.DEAD, of="customers", parameters={})
    expired = make_job(State.SUCCEEDED)
    publish(expired, expires_at=timezone.now())
    assert listed(signed_in, "status=Failed") == [other, dead]
    assert listed(signed_in, "status=Failed&status=Queued&type=yearly-sales") == [queued, dead]
    assert listed(signed_in, "status=Expired") == [expired]
    assert listed(signed_in, "status=&type=&from=&to=") == [expired, other, queued, dead]


def test_days_are_those_of_the_user(signed_in: Client, owner: User, make_job: MakeJob) -> None:
    Preferences.objects.create(user=owner, time_zone="Asia/Tokyo")
    moments = [datetime(2026, 3, day, 14 + late, 59 * (1 - late), tzinfo=UTC) for day in (1, 2) for late in (0, 1)]
    first, second, third, _ = [make_job(State.DEAD, id=first_id_at(at), created_at=at) for at in moments]
    assert listed(signed_in, "from=2026-03-02&to=2026-03-02") == [third, second]
    assert listed(signed_in, "to=2026-03-01") == [first]


def test_each_active_filter_can_be_removed(signed_in: Client) -> None:
    page = signed_in.get("/reports?status=Failed&status=Expired&type=customers&from=2026-03-01&to=2026-03-02")
    assert [(chip.label, chip.without) for chip in page.context["chosen"].chips] == [
        ("Failed", "status=Expired&type=customers&from=2026-03-01&to=2026-03-02"),
        ("Expired", "status=Failed&type=customers&from=2026-03-01&to=2026-03-02"),
        ("Customers", "status=Failed&status=Expired&from=2026-03-01&to=2026-03-02"),
        ("From 2026-03-01", "status=Failed&status=Expired&type=customers&to=2026-03-02"),
        ("Until 2026-03-02", "status=Failed&status=Expired&type=customers&from=2026-03-01"),
    ]
    assert "No report matches these filters." in words(page)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("status=Nothing", "Status: There is no status “Nothing”."),
        ("type=nothing", "Type: There is no type “nothing”."),
        ("type=a%00b", "Type: There is no type"),
        ("from=2026-02-30", "Ordered from: This is not a date. Use YYYY-MM-DD."),
        ("to=yesterday", "Ordered until: This is not a date. Use YYYY-MM-DD."),
        ("from=0001-01-01", "Ordered from: Ensure this value is greater than or equal to 2000-01-01."),
        ("to=9999-12-31", "Ordered until: Ensure this value is less than or equal to 2999-12-31."),
        ("from=2026-03-02&to=2026-03-01", "Ordered until: This day is before the first one."),
    ],
)
def test_what_is_wrong_with_a_filter_is_told(signed_in: Client, make_job: MakeJob, query: str, told: str) -> None:
    make_job()
    for path in ("/reports", "/reports/live"):
        page = signed_in.get(f"{path}?{query}")
        assert page.status_code == 400
        assert told in words(page)
        assert "Yearly sales Queued" not in words(page)


def test_the_list_says_how_far_each_report_is(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    now = timezone.now()
    make_job(
        State.RUNNING, progress_done=4000, progress_total=10_000, progress_percent=40, started_at=now, updated_at=now
    )
    make_job()
    make_job()
    make_job(State.DEAD, result={"error": {"code": "x", "detail": "A <b> failed.", "retryable": True}})
    publish(make_job(State.SUCCEEDED), row_count=1, size_bytes=2_345_678)
    text = words(signed_in.get("/reports"))
    assert "40 %, less than a minute left 4,000 of about 10,000 rows just now" in text
    assert "Queued Year 2023 Number 1 in the queue" in text
    assert "Queued Year 2023 Waits for its turn" in text
    assert "A &lt;b&gt; failed." in text
    assert "Download 1 row · 2.3 MB" in text


def test_a_menu_offers_what_fits_the_state(signed_in: Client, make_job: MakeJob, publish: Publish) -> None:
    ended = {"finished_at": timezone.now()}
    publish(make_job(State.SUCCEEDED, **ended))
    make_job(State.DEAD, result={"error": {"code": "x", "detail": "", "retryable": True}}, **ended)
    make_job(State.RUNNING, cancel_requested_at=timezone.now())
    make_job(State.RUNNING)
    make_job(State.DEAD, of="retired", result={"error": {"code": "x", "detail": "", "retryable": True}}, **ended)
    menus = words(signed_in.get("/reports")).split("⋯ Show details ")[1:]
    offers = ("Download", "Order again", "Try again", "Cancel", "Delete")
    assert [[offer for offer in offers if menu.startswith(offer) or f" {offer}" in menu[:40]] for menu in menus] == [
        ["Delete"],
        ["Order again", "Cancel"],
        ["Order again"],
        ["Order again", "Try again", "Delete"],
        ["Download", "Order again", "Delete"],
    ]


def test_the_part_that_refreshes_itself_ends_with_the_last_active_report(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.RUNNING, progress_percent=42, progress_total=100, updated_at=timezone.now())
    active = signed_in.get("/reports/live?status=In+Progress&status=Complete").content.decode()
    assert 'data-follow="/reports/live?status=In+Progress&amp;status=Complete"' in active
    assert 'data-tab="42 % Yearly sales"' in active
    last = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    assert f'data-follow="/reports/live?before={last}"' in signed_in.get(f"/reports?before={last}").content.decode()
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished_at=timezone.now() - timedelta(days=1))
    ended = signed_in.get("/reports/live").content.decode()
    assert "data-follow" not in ended
    assert 'data-job="ended" data-says="Yearly sales: Canceled"' in ended
