"""Conditional requests for JSON."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    payload: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}
    return make_job(kind="report", state=State.CANCELLED, payload=payload)


@pytest.mark.parametrize(
    "path", ["/api/reports", "/api/reports/{}", "/api/reports/{}/status", "/api/operations/{}", "/api/report-types"]
)
def test_who_has_it_already_gets_304(path: str, api: APIClient, job: Job) -> None:
    path = path.format(job.pk)
    first = api.get(path)
    assert first.status_code == 200
    for etag in (first["ETag"], "*", f'"other", {first["ETag"]}', f"W/{first['ETag']}"):
        again = api.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert api.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    head = api.head(path)
    assert (head.status_code, head["ETag"]) == (200, first["ETag"])


def test_the_etag_changes_with_the_status(api: APIClient, job: Job) -> None:
    path = f"/api/reports/{job.pk}/status"
    etag = api.get(path)["ETag"]
    Job.objects.update(state=State.DEAD)
    answer = api.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["status"]) == (200, "Failed")
    assert answer["ETag"] != etag


def test_a_304_says_when_to_ask_again(api: APIClient, job: Job) -> None:
    Job.objects.update(state=State.RUNNING)
    answer = api.get(f"/api/operations/{job.pk}", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer["Retry-After"]) == (304, "1")
    assert '"polling";r=3;t=1' in answer["RateLimit"]
    assert answer["Cache-Control"] == "private, no-cache"


def test_if_match_that_does_not_hold_is_412(api: APIClient, job: Job) -> None:
    path = f"/api/reports/{job.pk}/status"
    answer = api.get(path, headers={"If-Match": '"other"'})
    assert (answer.status_code, answer["Content-Type"]) == (412, "application/problem+json")
    assert answer.json()["code"] == "precondition-failed"
    assert api.get(path, headers={"If-Match": answer["ETag"]}).status_code == 200


def test_problems_have_no_etag(api: APIClient) -> None:
    assert "ETag" not in api.get("/api/reports/none")


@pytest.mark.parametrize("field", ["If-Match", "If-None-Match", "If-Range", "Prefer", "Range"])
def test_a_field_that_is_longer_than_the_schema_says_is_refused(field: str, api: APIClient) -> None:
    assert api.get("/api/report-types", headers={field: "x" * 4000}).json().get("code") != "invalid-request"
    answer = api.get("/api/report-types", headers={field: "x" * 4001})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
    assert answer.json()["errors"] == [{"pointer": field, "detail": "It has more than 4000 characters."}]
