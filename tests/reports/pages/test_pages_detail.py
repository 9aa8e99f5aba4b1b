"""What the page of a report says in each state."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.events import record_event
from jobs.models import Artifact, Event, Job, Queue, RecentRuns
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
#: Page of a report: session, user, preferences, the job with its file, its story.
QUERIES = 5


def shown(client: Client, job: Job) -> str:
    """The text of the page, without what is around it."""
    return words(client.get(f"/reports/{job.pk}")).partition("All reports ")[2].partition(" Times are shown")[0]


def running(make_job: MakeJob, **columns: Any) -> Job:
    now = timezone.now()
    return make_job(
        State.RUNNING, attempt_count=1, started_at=now - timedelta(seconds=100), updated_at=now,
        **{"progress_done": 1_000, "progress_total": 4_000, "progress_percent": 25, **columns},
    )  # fmt: skip


def test_a_queued_one(signed_in: Client, make_job: MakeJob) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    make_job()
    job = make_job()
    record_event(job.pk, Event.Name.SUBMITTED, actor="ada")
    text = shown(signed_in, job)
    assert text.startswith(
        "Yearly sales Notify me Queued It is number 2 in the queue. "
        "Without JavaScript, this page does not refresh automatically."
    )
    assert "An administrator has paused this queue. Nothing in it starts until it is resumed." in text
    assert "0 % Position in queue 2 What was ordered Year 2023 File format UTF-8, comma Ordered" in text
    assert text.endswith("You placed the order. Order this report again Cancel the report")


def test_a_queued_one_knows_when_it_is_expected_to_start(signed_in: Client, make_job: MakeJob) -> None:
    RecentRuns.objects.create(
        kind="report", type="yearly-sales", seconds=[600] * 3, rows=[0] * 3, rows_expected=[None] * 3
    )
    now = timezone.now()
    make_job(State.RUNNING, started_at=now - timedelta(seconds=270), updated_at=now)
    text = shown(signed_in, make_job())
    assert "It is next in the queue. It starts in about 5 minutes." in text
    assert "Position in queue 1 Starts at about 20" in text
    assert "Complete in about 15 minutes" in text


def test_a_running_one_without_rows(signed_in: Client, make_job: MakeJob) -> None:
    text = shown(signed_in, running(make_job, progress_done=0, progress_total=None, progress_percent=0))
    assert "It is running. The first rows have not arrived yet." in text
    assert "Rows so far 0 rows Attempt 1 of 5" in text


def test_a_running_one_with_rows(signed_in: Client, make_job: MakeJob) -> None:
    job = running(make_job, progress_samples=[0, 0, 1000, 300, 2000, 500, 4000, 1000])
    text = shown(signed_in, job)
    assert "In progress It is running, and rows are arriving." in text
    assert "Rows so far 1,000 of about 4,000 Rows per second 250 Time left" in text
    assert "Attempt 1 of 5 Rows per second in the last 4 s: now 250, on average 250, at most 300." in text
    html = signed_in.get(f"/reports/{job.pk}").content.decode()
    assert '<polyline points="0.0,2.0 150.0,2.0 300.0,28.0 600.0,15.0"' in html
    assert 'role="img" aria-label="Rows per second in the last 4 s: now 250' in html
    assert 'data-job="active" data-says="Yearly sales: In progress" data-tab="25 % Yearly sales"' in html
    assert "style=" not in html


@pytest.mark.parametrize(
    ("state", "percent", "tab"),
    [(State.QUEUED, 0, "Yearly sales: Queued"), (State.DEAD, 40, "Yearly sales: Failed")],
)
def test_the_tab_names_the_status_of_one_that_makes_no_progress(
    signed_in: Client, make_job: MakeJob, state: State, percent: int, tab: str
) -> None:
    html = signed_in.get(f"/reports/{make_job(state, progress_percent=percent).pk}").content.decode()
    assert f'data-tab="{tab}"' in html


def test_one_that_is_being_canceled(signed_in: Client, make_job: MakeJob) -> None:
    text = shown(signed_in, running(make_job, cancel_requested_at=timezone.now()))
    assert "Canceling It is being canceled. This usually takes a few seconds." in text
    assert "Cancel the report" not in text


def test_a_complete_one(signed_in: Client, make_job: MakeJob, publish: Callable[..., Artifact]) -> None:
    job = make_job(State.SUCCEEDED)
    publish(job, expires_at="2030-01-02T03:04:00Z")
    events: list[tuple[float, str, dict[str, Any]]] = [
        (0, "submitted", {}),
        (0, "started", {"attempt": 1}),
        (72, "completed", {"rows": 1234}),
    ]
    for seconds, name, details in events:
        Event.objects.create(job=job, at=job.created_at + timedelta(seconds=seconds), name=name, details=details)
    text = shown(signed_in, job)
    assert text.startswith(
        "Yearly sales Notify me Complete Waited less than 1 s, ran 1 min 12 s. yearly-sales-2023.csv "
        f"1,234 rows · 2.0\xa0kB · Kept until 2030-01-02 03:04 UTC Download SHA-256 {'ab' * 32} Copy".replace(
            "\xa0", " "
        )
    )
    assert text.endswith(
        "It was finished after 1 min 12 s, with 1,234 rows. Order this report again Repeat… Delete the report… "
        "This permanently deletes the report and its file. Delete permanently"
    )


def test_a_canceled_one(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.CANCELLED, finished_at=timezone.now())
    record_event(job.pk, Event.Name.CANCELLED, actor="ada")
    text = shown(signed_in, job)
    assert text.startswith("Yearly sales Notify me Canceled What was ordered")
    assert "It was canceled. Order this report again Repeat… Delete the report…" in text


def test_an_expired_one(signed_in: Client, make_job: MakeJob, publish: Callable[..., Artifact]) -> None:
    job = make_job(State.SUCCEEDED)
    publish(job, expires_at="2020-01-02T03:04:00Z")
    text = shown(signed_in, job)
    assert "Expired The file has expired and was deleted. Order this report again What was ordered" in text
    assert "File yearly-sales-2023.csv Expired 2020-01-02 03:04 UTC" in text


@pytest.mark.parametrize("events", [1, 300])
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
def test_a_page_costs_the_same_however_much_has_happened(
    signed_in: Client, make_job: MakeJob, publish: Callable[..., Artifact], state: State, events: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    job = make_job(state)
    publish(job)
    for _ in range(events):
        record_event(job.pk, Event.Name.HANDED_BACK)
    with django_assert_num_queries(QUERIES):
        page = signed_in.get(f"/reports/{job.pk}")
    assert words(page).count("went back to the queue") == min(events, 200)


def test_an_active_one_costs_its_estimate_in_addition(
    signed_in: Client, make_job: MakeJob, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = running(make_job), make_job()
    for job, more in zip(jobs, (1, 2), strict=True):
        with django_assert_num_queries(QUERIES + more):
            signed_in.get(f"/reports/{job.pk}/live")


def test_a_page_is_light(signed_in: Client, make_job: MakeJob, publish: Callable[..., Artifact]) -> None:
    job = make_job(State.SUCCEEDED)
    publish(job)
    page = signed_in.get(f"/reports/{job.pk}", HTTP_ACCEPT_ENCODING="gzip")
    assert len(page.content) < 15_000


def test_a_page_without_its_events_still_tells_the_order(signed_in: Client, make_job: MakeJob) -> None:
    assert "What has happened 20" in shown(signed_in, make_job(State.CANCELLED))
