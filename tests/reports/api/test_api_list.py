"""What of my reports the list shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from jobs.models import Artifact, Job
from jobs.models.ids import first_id_at
from jobs.states import State
from tests.support.ordering import assert_problem

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def make(owner: User) -> Callable[..., Job]:
    """A report that was ordered at a time."""
    serial = iter(range(1, 10**6))

    def make(at: datetime = NOON, *, of: str = "yearly-sales", **columns: Any) -> Job:
        payload: dict[str, Any] = {"reportType": of, "parameters": {}, "csv": {}}
        pk = UUID(int=first_id_at(at).int + next(serial))
        values = {"id": pk, "kind": "report", "queue": "reports", "owner": owner, "type": of, "max_attempts": 5}
        return Job.objects.create(payload=payload, created_at=at, **(values | columns))

    return make


def publish(job: Job, **columns: Any) -> None:
    Artifact.objects.create(
        job=job, role="result", storage_name="x", filename="x", row_count=0, size_bytes=0,
        published_at=timezone.now(), **columns,
    )  # fmt: skip


def listed(api: APIClient, *query: tuple[str, str]) -> list[str]:
    answer = api.get(f"/api/reports?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    return [report["id"] for report in answer.json()["results"]]


def test_reports_of_one_type(api: APIClient, make: Callable[..., Job]) -> None:
    make()
    customers = make(of="customers")
    assert listed(api, ("reportType", "customers")) == [str(customers.pk)]
    assert listed(api, ("reportType", "none")) == []


def test_every_status_finds_what_is_shown_under_it(api: APIClient, make: Callable[..., Job]) -> None:
    asked = {"cancel_requested_at": timezone.now()}
    for job in (make(state=State.SUCCEEDED), make(state=State.SUCCEEDED)):
        publish(job)
    publish(make(state=State.SUCCEEDED), expires_at=timezone.now() - timedelta(seconds=1))
    publish(make(state=State.SUCCEEDED), deleted_at=timezone.now())
    for state in (State.QUEUED, State.RUNNING, State.FAILED, State.DEAD, State.CANCELLED, State.SUCCEEDED):
        make(state=state)
    make(state=State.RUNNING, **asked)
    make(state=State.FAILED, **asked)
    shown: dict[str, list[str]] = {}
    for report in api.get("/api/reports").json()["results"]:
        shown.setdefault(report["status"], []).append(report["id"])
    counts = {word: len(ids) for word, ids in shown.items()}
    assert counts == {
        "Queued": 1, "In Progress": 2, "Canceling": 2, "Complete": 3, "Failed": 1, "Canceled": 1, "Expired": 2
    }  # fmt: skip
    for word, ids in shown.items():
        assert listed(api, ("status", word)) == ids
    assert sorted(listed(api, ("status", "Failed"), ("status", "Canceled"))) == sorted(
        shown["Failed"] + shown["Canceled"]
    )


def test_reports_of_a_time(api: APIClient, make: Callable[..., Job]) -> None:
    before, at, after = (str(make(NOON + timedelta(seconds=by)).pk) for by in (-1, 0, 1))
    noon = ("createdAfter", NOON.isoformat())
    assert listed(api, noon) == [after, at]
    assert listed(api, ("createdBefore", "2026-03-01T12:00:00Z")) == [before]
    assert listed(api, noon, ("createdBefore", "2026-03-01T21:00:01+09:00")) == [at]
    assert listed(api, ("createdAfter", "0001-01-01T00:00:00Z"), ("createdBefore", "9999-12-31T23:59:59Z")) == [
        after, at, before
    ]  # fmt: skip


def test_pages_keep_the_filter(
    api: APIClient, make: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    wanted = []
    for minutes in range(5):
        wanted.append(str(make(NOON + timedelta(minutes=minutes), of="customers").pk))
        make(NOON + timedelta(minutes=minutes))
    path: str | None = "/api/reports?reportType=customers&status=Queued&limit=2&createdAfter=2026-03-01T00:00:00Z"
    found = []
    api.get("/api/reports")  # the use of the token is noted, once a minute
    while path:
        with django_assert_num_queries(3):  # the token with its user, the page, its artifacts
            page = api.get(path).json()
        found.append([report["id"] for report in page["results"]])
        path = page["next"]
    assert found == [wanted[:2:-1], wanted[2:0:-1], wanted[:1]]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=Done", "#/status"),
        ("status=Queued&status=complete", "#/status"),
        ("createdAfter=yesterday", "#/createdAfter"),
        ("createdBefore=2026-02-30T00:00:00Z", "#/createdBefore"),
        ("createdAfter=0001-01-01T00:00:00%2B14:00", "#/createdAfter"),
        ("limit=0", "#/limit"),
        ("limit=201", "#/limit"),
        ("limit=many", "#/limit"),
        ("limit=0000000100999", "#/limit"),
        ("limit=1&limit=2", "#/limit"),
        ("reportType=%00", "#/reportType"),
        ("reportType=", "#/reportType"),
        ("createdAfter=", "#/createdAfter"),
        ("stauts=Queued", "#/stauts"),
    ],
)
def test_a_query_that_makes_no_sense_is_400(query: str, pointer: str, api: APIClient) -> None:
    problem = assert_problem(api.get(f"/api/reports?{query}"), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
