"""What an owner may do to a report: cancel it, delete it, try it again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from jobs.models import Artifact, AuditEntry, Event, Job, Queue
from jobs.states import State
from tests.support.ordering import ORDER, assert_problem, post

pytestmark = pytest.mark.django_db


def ordered(api: APIClient, **columns: Any) -> Job:
    """An order, and what has become of it."""
    job = Job.objects.get(pk=post(api, ORDER, headers={"Idempotency-Key": "k"}).json()["id"])
    Job.objects.filter(pk=job.pk).update(**columns)
    job.refresh_from_db()
    return job


def published(job: Job) -> Artifact:
    return Artifact.objects.create(
        job=job, attempt=1, role="result", filename="x.csv", content_type="text/csv", encoding="utf-8", row_count=1,
        size_bytes=1, sha256="0" * 64, published_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1),
        storage_name=storages["artifacts"].save("actions-test", ContentFile(b"x")),
    )  # fmt: skip


def events(job: Job) -> list[str]:
    return list(job.events.order_by("id").values_list("name", flat=True))


@pytest.mark.parametrize("state", [State.QUEUED, State.FAILED])
def test_a_report_that_waits_is_cancelled_at_once(state: State, api: APIClient) -> None:
    job = ordered(api, state=state)
    answer = api.delete(f"/api/reports/{job.pk}")
    assert (answer.status_code, answer.json()["status"]) == (202, "Canceled")
    assert "Retry-After" not in answer
    job.refresh_from_db()
    assert (job.state, job.owner_id is None) == (State.CANCELLED, False)


def test_a_report_that_runs_is_asked_to_end_however_often_one_asks(api: APIClient) -> None:
    job = ordered(api, state=State.RUNNING, started_at=timezone.now())
    for _ in range(2):
        answer = api.delete(f"/api/reports/{job.pk}")
        assert (answer.status_code, answer.json()["status"], answer["Retry-After"]) == (202, "Canceling", "1")
        assert answer["Location"] == f"/api/reports/{job.pk}/status"
    assert events(job) == ["submitted", "cancel_requested"]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
def test_a_report_that_has_ended_is_gone_with_its_file(
    state: State, api: APIClient, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = ordered(api, state=state, finished_at=timezone.now())
    artifact = published(job)
    path = f"/api/reports/{job.pk}"
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not storages["artifacts"].exists(artifact.storage_name)
    artifact.refresh_from_db()
    assert artifact.deleted_at is not None
    for answer in (api.get(path), api.get(f"{path}/status"), api.get(f"{path}/download"), api.delete(path)):
        assert_problem(answer, 404, "not-found")
    assert api.get("/api/reports").json()["results"] == []


def test_what_was_deleted_stays_for_the_staff_and_frees_its_key(api: APIClient, owner: User) -> None:
    job = ordered(api, state=State.DEAD, calls_back=True)
    assert api.delete(f"/api/reports/{job.pk}").status_code == 204
    job.refresh_from_db()
    assert (job.state, job.owner, job.idempotency_key, job.calls_back) == (State.CANCELLED, None, None, False)
    assert events(job) == ["submitted", "cancelled", "purged"]
    entry = AuditEntry.objects.get(target_id=str(job.pk))
    assert (entry.action, entry.actor) == ("delete", owner.username)
    assert "Idempotency-Replayed" not in post(api, ORDER, headers={"Idempotency-Key": "k"})


def test_a_file_that_cannot_be_deleted_now_is_left_to_beat(
    api: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    job = ordered(api, state=State.SUCCEEDED)
    artifact = published(job)
    folder = storages["artifacts"].path(artifact.storage_name)
    Artifact.objects.update(storage_name="../outside")  # storage refuses it
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"/api/reports/{job.pk}").status_code == 204
    artifact.refresh_from_db()
    assert artifact.deleted_at is None
    assert artifact.expires_at is not None
    assert artifact.expires_at <= timezone.now()
    storages["artifacts"].delete(folder)


def test_a_failed_report_is_tried_again_with_all_attempts(api: APIClient, owner: User) -> None:
    job = ordered(api, state=State.DEAD, attempt_count=5, finished_at=timezone.now(), result={"error": {}})
    answer = api.post(f"/api/reports/{job.pk}/retry")
    assert (answer.status_code, answer.json()["status"], answer.json()["attempt"]) == (202, "Queued", 0)
    assert answer["Location"] == f"/api/reports/{job.pk}/status"
    assert answer["Retry-After"]
    job.refresh_from_db()
    assert (job.state, job.attempt_count, job.finished_at) == (State.QUEUED, 0, None)
    requeued = job.events.get(name=Event.Name.REQUEUED)
    assert (requeued.actor, requeued.details) == (owner.username, {"reason": "Retried by its owner."})
    assert_problem(api.post(f"/api/reports/{job.pk}/retry"), 409, "not-failed")


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED, State.SUCCEEDED, State.CANCELLED])
def test_what_has_not_failed_for_good_is_not_tried_again(state: State, api: APIClient) -> None:
    job = ordered(api, state=state)
    assert_problem(api.post(f"/api/reports/{job.pk}/retry"), 409, "not-failed")
    job.refresh_from_db()
    assert job.state == state


def test_the_dials_hold_for_a_retry(api: APIClient) -> None:
    job = ordered(api, state=State.DEAD)
    for dials, status, code in (
        ({"accepting": False}, 503, "queue-full"),
        ({"accepting": True, "max_queued": 0}, 503, "queue-full"),
        ({"max_queued": 1, "max_queued_per_owner": 0}, 429, "owner-queue-full"),
    ):
        Queue.objects.filter(name="reports").update(**dials)
        answer = api.post(f"/api/reports/{job.pk}/retry")
        assert_problem(answer, status, code)
        assert answer["Retry-After"]
    Queue.objects.filter(name="reports").delete()
    assert_problem(api.post(f"/api/reports/{job.pk}/retry"), 503, "queue-full")
    job.refresh_from_db()
    assert job.state == State.DEAD


def test_what_could_not_be_ordered_today_is_not_tried_again(api: APIClient, report_types: dict[str, Any]) -> None:
    job = ordered(api, state=State.DEAD)
    Job.objects.update(payload={**job.payload, "parameters": {"year": 1}})
    problem = assert_problem(api.post(f"/api/reports/{job.pk}/retry"), 409, "not-retryable")
    assert problem["detail"] == "Its parameters are no longer valid. Order a new report with other parameters."
    del report_types["yearly-sales"]
    problem = assert_problem(api.post(f"/api/reports/{job.pk}/retry"), 409, "not-retryable")
    assert problem["detail"].startswith("This report type no longer exists")


@pytest.mark.parametrize(("method", "path"), [("delete", ""), ("post", "/retry")])
def test_somebody_elses_answers_exactly_as_an_unknown_one(method: str, path: str, api: APIClient) -> None:
    job = ordered(api, state=State.DEAD, owner=User.objects.create_user("stranger"))
    theirs = getattr(api, method)(f"/api/reports/{job.pk}{path}")
    unknown = getattr(api, method)(f"/api/reports/0190163d-8694-739b-aea5-966c26f8ad91{path}")
    assert_problem(theirs, 404, "not-found")
    assert theirs.content == unknown.content
    job.refresh_from_db()
    assert job.state == State.DEAD
