"""What the owner is told: words, estimates, when to ask again."""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from jobs.api.status import postponement_members, retry_after, seconds_remaining
from jobs.errors import PostponedError
from jobs.estimates.estimate import Estimate
from jobs.events import record_event
from jobs.models import Artifact, Event, Job, RecentRuns
from jobs.states import State
from jobs.worker.transitions import claim_job, postpone_job

pytestmark = pytest.mark.django_db

NOW = timezone.now()
PAYLOAD = {"reportType": "yearly-sales", "parameters": {}, "csv": {}}


def a_job(**values: Any) -> Job:
    return Job(**{"state": State.RUNNING, "created_at": NOW - timedelta(seconds=20), **values})


@pytest.mark.parametrize(("left", "told"), [(30.4, 30), (30.6, 31), (0.0, 1), (None, None)])
def test_whole_seconds_are_told_and_at_least_one(left: float | None, told: int | None) -> None:
    assert seconds_remaining(Estimate(left=left)) == told


@pytest.mark.parametrize(
    ("job", "left", "expected"),
    [
        (a_job(), 30, 7),
        (a_job(state=State.QUEUED), 30, 7),
        (a_job(), 1000, 60),
        (a_job(), 0, 1),
        (a_job(), None, 2),
        (a_job(created_at=NOW - timedelta(days=1)), None, 60),
        (a_job(state=State.SUCCEEDED), None, None),
        (a_job(state=State.DEAD), None, None),
        (a_job(state=State.CANCELLED), None, None),
    ],
)
def test_retry_after_is_a_quarter_of_what_remains_between_1_and_60_seconds(
    job: Job, left: float | None, expected: int | None
) -> None:
    assert retry_after(job, Estimate(left=left), NOW) == expected


@pytest.mark.parametrize(
    ("values", "status", "operation"),
    [
        ({"state": State.QUEUED}, "Queued", "NotStarted"),
        ({"state": State.RUNNING}, "In Progress", "Running"),
        ({"state": State.RUNNING, "cancel_requested_at": NOW}, "Canceling", "Running"),
        ({"state": State.FAILED, "retry_at": NOW}, "In Progress", "Running"),
        ({"state": State.SUCCEEDED}, "Complete", "Succeeded"),  # its kind leaves no file
        ({"state": State.DEAD}, "Failed", "Failed"),
        ({"state": State.CANCELLED}, "Canceled", "Canceled"),
    ],
)
def test_every_state_has_its_words(
    values: dict[str, Any], status: str, operation: str, make_job: Callable[..., Job], owner: User
) -> None:
    job = make_job(kind="report", payload=PAYLOAD, **values)
    client = APIClient()
    client.force_authenticate(owner)
    response = client.get(f"/api/reports/{job.pk}/status")
    assert (response.status_code, response.json()["status"]) == (200, status)
    assert ("retryAt" in response.json()) == (job.state == State.FAILED)
    resource = client.get(f"/api/operations/{job.pk}")
    assert (resource.status_code, resource.json()["status"]) == (200, operation)
    assert ("Retry-After" in resource) == (operation in ("NotStarted", "Running"))
    assert ("error" in resource.json()) == (operation == "Failed")
    assert ("resourceLocation" in resource.json()) == (status == "Complete")


def test_a_running_job_says_how_far_it_is(make_job: Callable[..., Job], owner: User) -> None:
    now = timezone.now()
    job = make_job(
        kind="report", payload=PAYLOAD, state=State.RUNNING, progress_done=100, progress_total=400, progress_percent=25,
        attempt_count=1, started_at=now - timedelta(seconds=100), updated_at=now,
    )  # fmt: skip
    client = APIClient()
    client.force_authenticate(owner)
    body = client.get(f"/api/reports/{job.pk}/status").json()
    seconds = body["estimatedSecondsRemaining"]
    elapsed = (timezone.now() - now).total_seconds() + 100
    assert 300 <= seconds <= math.ceil(3 * elapsed)
    assert body["estimatedTimeRemaining"] == f"{seconds} seconds"
    assert (body["progress"], body["rowsProcessed"], body["rowsTotal"], body["attempt"]) == (25, 100, 400, 1)


def test_a_queued_job_says_when_it_begins_and_when_it_has_ended(
    make_job: Callable[..., Job],
    owner: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.dispatch.remembered_queue.REMEMBERED_SECONDS", 3600.0)
    now = timezone.now()
    RecentRuns.objects.create(
        kind="report", type="yearly-sales", seconds=[99, 100, 101], rows=[0] * 3, rows_expected=[None] * 3
    )
    report = {"kind": "report", "type": "yearly-sales", "payload": PAYLOAD}
    make_job(**report, state=State.RUNNING, started_at=now - timedelta(seconds=60), updated_at=now)
    job = make_job(**report, released_at=None)
    client = APIClient()
    client.force_authenticate(owner)
    with django_assert_num_queries(4):  # the job, who waits, the flow of the queue, what runs
        response = client.get(f"/api/reports/{job.pk}/status")
    body = response.json()
    assert (body["status"], body["queuePosition"], body["startedAt"]) == ("Queued", 1, None)
    assert 38 <= body["estimatedWaitSeconds"] <= 41
    assert 138 <= body["estimatedSecondsRemaining"] <= 141
    assert response["Retry-After"] == str(body["estimatedSecondsRemaining"] // 4)
    with django_assert_num_queries(3):  # who waits is remembered
        assert client.get(f"/api/operations/{job.pk}")["Retry-After"] == response["Retry-After"]


def test_a_running_job_costs_one_query_more_than_one_that_has_ended(
    make_job: Callable[..., Job], owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = APIClient()
    client.force_authenticate(owner)
    for state, queries in ((State.RUNNING, 2), (State.DEAD, 1)):
        job = make_job(kind="report", payload=PAYLOAD, state=state, started_at=NOW, finished_at=NOW)
        with django_assert_num_queries(queries):
            body = client.get(f"/api/reports/{job.pk}/status").json()
        assert {"estimatedTimeRemaining", "estimatedSecondsRemaining", "estimatedWaitSeconds"}.isdisjoint(body)


def test_a_postponed_job_says_why_and_when_it_comes_back(
    make_job: Callable[..., Job], owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job(kind="report", payload=PAYLOAD)
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    error = PostponedError("It waits for db7.internal.", public="It waits for the replica.")
    postpone_job(attempt, error=error, delay=timedelta(seconds=90))
    client = APIClient()
    client.force_authenticate(owner)
    with django_assert_num_queries(3):  # the job, the flow of the queue, the reason
        response = client.get(f"/api/reports/{job.pk}/status")
    body = response.json()
    assert (body["status"], body["queuePosition"], body["startedAt"]) == ("Queued", None, None)
    assert body["waitingFor"] == "It waits for the replica."
    assert 88 <= body["estimatedWaitSeconds"] <= 90
    job.refresh_from_db()
    assert parse_datetime(body["retryAt"]) == job.scheduled_at
    assert "db7" not in client.get(f"/api/reports/{job.pk}").content.decode()


def test_of_a_postponement_before_there_were_words_for_its_owner_only_the_time_is_told(
    make_job: Callable[..., Job], owner: User
) -> None:
    back = NOW + timedelta(minutes=3)
    job = make_job(kind="report", payload=PAYLOAD, due=False, scheduled_at=back, started_at=NOW, released_at=None)
    record_event(job.pk, Event.Name.POSTPONED, reason="It waits for db7.internal.")
    assert postponement_members(job) == {"retryAt": back}


@pytest.mark.parametrize(
    "values",
    [
        {"due": False, "scheduled_at": NOW, "started_at": None},
        {"due": True, "scheduled_at": NOW, "started_at": NOW},
        {"due": False, "scheduled_at": NOW, "started_at": NOW, "state": State.RUNNING},
    ],
)
def test_who_was_not_postponed_or_has_come_back_waits_for_nothing(
    values: dict[str, Any], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert postponement_members(Job(**values)) == {}


def test_a_published_result_is_linked(make_job: Callable[..., Job], owner: User) -> None:
    job = make_job(kind="report", payload=PAYLOAD, state=State.SUCCEEDED, finished_at=NOW)
    Artifact.objects.create(
        job=job, role="result", filename="x.csv", content_type="text/csv", encoding="utf-8", storage_name="x",
        row_count=3, size_bytes=9, sha256="0" * 64, published_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    client = APIClient()
    client.force_authenticate(owner)
    body = client.get(f"/api/reports/{job.pk}/status").json()
    assert (body["status"], body["reportURL"]) == ("Complete", f"/api/reports/{job.pk}/download")
    assert (body["rowCount"], body["sizeBytes"], body["sha256"], body["progress"]) == (3, 9, "0" * 64, 100)
    resource = client.get(f"/api/operations/{job.pk}").json()
    assert resource["resourceLocation"] == f"http://testserver/api/reports/{job.pk}/download"
