"""What is wrong now: every trouble is said in a sentence, with the buttons that lead to its cure."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from jobs.api.problems import refusal_problem
from jobs.dispatch import refusals
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.maintenance.recovery import republish_lost_jobs
from jobs.models import Job, Queue, Schedule, TypeDials, Worker
from jobs.monitoring import overview
from jobs.states import State

pytestmark = pytest.mark.django_db

Shown = dict[str, dict[str, str]]


def troubles_shown(client: Client) -> Shown:
    """Sentence → words of each of its buttons → where it leads."""
    return {
        trouble["it"].text: {remedy.words: remedy.url for remedy in trouble["remedies"]}
        for trouble in client.get("/admin/").context["troubles"]
    }


def test_a_full_queue_is_named_with_the_button_that_raises_its_limit(
    staff: Client, make_job: Callable[..., Job]
) -> None:
    Queue.objects.filter(name="reports").update(max_queued=2)
    make_job(released_at=None)
    make_job(released_at=None, due=False, scheduled_at=Now() + timedelta(days=1))
    text = "The queue reports is full: 2 of at most 2 jobs are waiting, and new orders are refused."
    assert troubles_shown(staff)[text] == {
        "Show the jobs": "/admin/jobs/job/?state=queued&queue=reports",
        "Raise the limit…": "/admin/jobs/queue/reports/change/#id_max_queued",
    }


def test_orders_that_were_refused_are_named(staff: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "WRITE_SECONDS", 0.0)
    Queue.objects.filter(name="reports").update(max_queued=0)
    for _ in range(2):
        with pytest.raises(AdmissionError) as refused:
            submit_job(kind="report", owner=owner, payload={"reportType": "yearly-sales"})
        assert refusal_problem(refused.value).retry_after
    Queue.objects.filter(name="reports").update(max_queued=None)
    assert any(text.startswith("The queue reports refused") for text in troubles_shown(staff))


def test_a_queue_whose_jobs_nobody_takes_is_named(staff: Client, make_job: Callable[..., Job]) -> None:
    long_ago = Now() - timedelta(minutes=3)
    make_job(created_at=long_ago, released_at=long_ago, updated_at=long_ago)
    republish_lost_jobs()
    text = "The workers take no jobs from the queue reports; the oldest has waited for 3 min."
    assert text in troubles_shown(staff)


def test_a_backlog_whose_jobs_were_handed_out_just_now_is_no_trouble(
    staff: Client, make_job: Callable[..., Job]
) -> None:
    """As after *Resume*, and between two small jobs."""
    make_job(created_at=Now() - timedelta(minutes=3))
    assert not any("the queue reports" in text for text in troubles_shown(staff))


def test_a_queue_that_no_worker_consumes_is_named_with_its_jobs(staff: Client, make_job: Callable[..., Job]) -> None:
    Worker.objects.all().delete()
    queues = ["operations", "callbacks", "calls", "uploads", "housekeeping"]
    Worker.objects.create(name="io@here", queues=queues, started_at=Now(), seen_at=Now())
    make_job()
    found = troubles_shown(staff)["No worker consumes the queue reports, and 1 job is waiting."]
    assert found == {"Show the jobs": "/admin/jobs/job/?state=queued&queue=reports"}


def test_a_redis_that_hangs_is_named_within_the_bound(staff: Client, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        found = troubles_shown(staff)
    assert any(text.startswith("Redis does not answer") for text in found)
    assert time.monotonic() - began < 10


def test_a_type_that_is_paused_closed_or_full_is_named(staff: Client, make_job: Callable[..., Job]) -> None:
    make_job(released_at=None, kind="report", type="yearly-sales")
    for dials in ({"paused": True}, {"accepting": False}, {"max_queued": 1}):
        TypeDials.objects.all().delete()
        row = TypeDials.objects.create(kind="report", type="yearly-sales", **dials)
        [(text, buttons)] = [item for item in troubles_shown(staff).items() if "yearly-sales" in item[0]]
        assert f"/admin/jobs/typedials/{row.pk}/change/#id_{next(iter(dials))}" in buttons.values(), text


def test_a_type_whose_limit_is_beyond_what_is_counted_elsewhere_is_full_at_its_limit(
    staff: Client, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "BOUND", 2)
    for _ in range(3):
        make_job(released_at=None, kind="report", type="yearly-sales")
    TypeDials.objects.create(kind="report", type="yearly-sales", max_queued=3)
    assert any(text.startswith("The type yearly-sales is full: ") for text in troubles_shown(staff))


@pytest.mark.parametrize(
    ("dial", "what"), [("max_running", "at all"), ("max_running_per_owner", "that belong to an owner")]
)
def test_a_dial_that_lets_nothing_run_is_named_at_once(
    staff: Client, make_job: Callable[..., Job], dial: str, what: str
) -> None:
    Queue.objects.filter(name="reports").update(**{dial: 0})
    make_job(released_at=None)
    assert troubles_shown(staff)[f"The queue reports may run no jobs {what}, and 1 job is waiting."] == {
        "Show the jobs": "/admin/jobs/job/?state=queued&queue=reports",
        "Raise the limit…": f"/admin/jobs/queue/reports/change/#id_{dial}",
    }


def test_each_person_is_shown_the_buttons_that_they_may_press(
    member: Callable[[str], Client], make_job: Callable[..., Job]
) -> None:
    make_job(state=State.DEAD)
    Queue.objects.filter(name="uploads").update(paused=True)
    dead = "1 job in the queue reports is dead: it will not be retried until a person decides."
    paused = "The queue uploads is paused: no job in it starts, and 0 jobs are waiting."
    jobs, groups = "Show the jobs", "Show the failure groups"
    for_viewer, for_operator = troubles_shown(member("viewer")), troubles_shown(member("operator"))
    assert set(for_viewer[dead]) == {jobs, groups}
    assert set(for_operator[dead]) == {jobs, groups, "Requeue all…", "Discard all…"}
    assert for_viewer[paused] == {jobs: "/admin/jobs/job/?state=queued&queue=uploads"}
    assert for_operator[paused] == {
        jobs: "/admin/jobs/job/?state=queued&queue=uploads",
        "Resume…": "/admin/jobs/queue/uploads/resume/",
    }


@pytest.mark.parametrize("path", ["/admin/", "/admin/jobs/job/", "/admin/jobs/job/{job.pk}/change/"])
def test_the_page_refreshes_itself(staff: Client, make_job: Callable[..., Job], path: str) -> None:
    page = staff.get(path.format(job=make_job())).content.decode()
    assert 'data-live hx-get="' in page


def test_the_page_of_a_job_that_has_ended_does_not_refresh_itself(staff: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.SUCCEEDED, finished_at=Now())
    assert "data-live" not in staff.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()


def test_schedules_that_kept_failing_are_named_for_a_day(
    member: Callable[[str], Client], make_schedule: Callable[..., Schedule]
) -> None:
    client = member("viewer")
    text = "1 schedule was paused within the last day, because its runs kept failing."
    schedule = make_schedule()
    paused = Schedule.objects.filter(pk=schedule.pk)
    paused.update(paused_at=Now(), pause_reason="owner")
    assert text not in troubles_shown(client)
    paused.update(pause_reason="failures")
    assert troubles_shown(client)[text] == {"Show the schedules": "/admin/jobs/schedule/?state=failures"}
    paused.update(paused_at=Now() - timedelta(hours=25))
    assert text not in troubles_shown(client)
