"""What the owner is told: words, estimates, when to ask again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.api.status import queue_position, retry_after, seconds_remaining
from jobs.models import Artifact, Job
from jobs.states import State

pytestmark = pytest.mark.django_db

NOW = timezone.now()
PAYLOAD = {"reportType": "yearly-sales", "parameters": {}, "csv": {}}


def running(**values: Any) -> Job:
    defaults: dict[str, Any] = {
        "state": State.RUNNING, "created_at": NOW - timedelta(seconds=20), "started_at": NOW - timedelta(seconds=10),
        "updated_at": NOW, "progress_done": 100, "progress_total": 400,
    }  # fmt: skip
    return Job(**{**defaults, **values})


def test_the_estimate_is_what_is_left_over_the_measured_rate() -> None:
    assert seconds_remaining(running(), NOW) == 30
    assert seconds_remaining(running(), NOW + timedelta(seconds=10)) == 20
    assert seconds_remaining(running(), NOW + timedelta(hours=1)) == 1


@pytest.mark.parametrize(
    "unknown",
    [{"progress_done": 0}, {"progress_total": None}, {"progress_total": 0}, {"progress_done": 401},
     {"state": State.QUEUED}, {"state": State.FAILED}, {"started_at": NOW}],
)  # fmt: skip
def test_what_is_not_known_is_left_out(unknown: dict[str, Any]) -> None:
    assert seconds_remaining(running(**unknown), NOW) is None


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (running(), 7),
        (running(progress_done=1, progress_total=10**9), 60),
        (running(progress_done=399), 1),
        (running(progress_done=0), 2),
        (running(progress_done=0, created_at=NOW - timedelta(days=1)), 60),
        (running(state=State.SUCCEEDED), None),
        (running(state=State.DEAD), None),
        (running(state=State.CANCELLED), None),
    ],
)
def test_retry_after_lies_between_1_and_60_seconds(job: Job, expected: int | None) -> None:
    assert retry_after(job, NOW) == expected


def test_the_place_in_the_queue(make_job: Callable[..., Job]) -> None:
    first, second = make_job(released_at=None), make_job(released_at=None)
    urgent = make_job(released_at=None, priority=5)
    make_job(released_at=None, queue="uploads", priority=9)
    assert [queue_position(job) for job in (urgent, first, second, make_job())] == [1, 2, 3, 1]
    assert queue_position(running()) is None


@pytest.mark.parametrize(
    ("values", "status", "operation"),
    [
        ({"state": State.QUEUED}, "Queued", "NotStarted"),
        ({"state": State.RUNNING}, "In Progress", "Running"),
        ({"state": State.RUNNING, "cancel_requested_at": NOW}, "Canceling", "Running"),
        ({"state": State.FAILED, "retry_at": NOW}, "In Progress", "Running"),
        ({"state": State.SUCCEEDED}, "Expired", "Succeeded"),
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
    assert "resourceLocation" not in resource.json()


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
    assert 290 < seconds <= 300
    assert body["estimatedTimeRemaining"] == f"{seconds} seconds"
    assert (body["progress"], body["rowsProcessed"], body["rowsTotal"], body["attempt"]) == (25, 100, 400, 1)


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
