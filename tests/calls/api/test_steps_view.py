"""The steps of a call over HTTP: names and outcomes, but nothing of requests and answers."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from calls.models import Step
from jobs.models import Job
from tests.support.ordered_calls import called, ordered
from tests.support.ordering import assert_problem

pytestmark = pytest.mark.django_db


def path_of(job: Job) -> str:
    return f"/api/calls/{job.pk}/steps"


def test_each_step_tells_its_outcome_without_what_is_for_the_staff(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 13, 17, keep_failures=True)
    Step.objects.filter(job=job).update(duration_ms=1500, request={"url": "https://x.example/"}, answer={"status": 200})
    answer = api.get(path_of(job))
    assert answer.status_code == 200
    assert (answer.json()["next"], answer.json()["previous"]) == (None, None)
    steps = answer.json()["results"]
    assert [(step["name"], step["outcome"], step.get("error")) for step in steps] == [
        ("double/0/compute", "done", None),
        ("double/0", "done", None),
        ("double/1", "refused", {"code": "unlucky", "detail": "13 cannot be doubled."}),
        ("double/2", "failed", {"code": "retryable-error"}),
    ]
    assert {key for step in steps for key in step} == {
        "name", "outcome", "attempt", "durationSeconds", "endedAt", "error",
    }  # fmt: skip
    assert [(step["attempt"], step["durationSeconds"]) for step in steps] == [(1, 1.5)] * 4
    assert b"x.example" not in answer.content
    assert b"10.0.0.1" not in answer.content


def test_the_steps_come_in_pages(api: APIClient, owner: User) -> None:
    job = called(owner, *range(5))
    called(owner, 99)  # is none of these
    names: list[str] = []
    url = f"{path_of(job)}?limit=4"
    counts = []
    while url:
        with CaptureQueriesContext(connection) as asked:
            page = api.get(url).json()
        counts.append(len([query for query in asked if "calls_step" in (query["sql"] or "")]))
        names += [step["name"] for step in page["results"]]
        url = page["next"]
    assert names == [*(f"double/{number}{inner}" for number in range(5) for inner in ("/compute", "")), "total"]
    assert counts == [1, 1, 1]


def test_a_call_without_steps_has_an_empty_page(api: APIClient, owner: User) -> None:
    assert api.get(path_of(ordered(owner, 1))).json()["results"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=x", 404, "not-found"),
        ("cursor=cD0wMTk5NGYyYQ==", 404, "not-found"),  # p=01994f2a
        ("cursor=cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 404, "not-found"),  # p=9999…
        ("limit=0", 400, "invalid-request"),
        ("limit=201", 400, "invalid-request"),
        ("outcome=done", 400, "invalid-request"),
    ],
)
def test_wrong_queries_are_refused(query: str, status: int, code: str, api: APIClient, owner: User) -> None:
    assert_problem(api.get(f"{path_of(called(owner, 1))}?{query}"), status, code)


def test_an_unchanged_page_is_not_sent_again(api: APIClient, owner: User) -> None:
    job = called(owner, 1)
    answer = api.get(path_of(job))
    assert api.get(path_of(job), headers={"If-None-Match": answer["ETag"]}).status_code == 304
