"""What a client is told of the errors of jobs."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from jobs.api.problems import as_problem
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError, IdempotencyKeyInUseError, IdempotencyKeyReusedError
from jobs.http.problems import ProblemError, problem_handler
from jobs.models import Queue

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("facts", "status", "code", "detail"),
    [
        ({}, 503, "queue-full", "The queue reports is closed: new orders are not accepted at the moment."),
        ({"limit": 9}, 503, "queue-full", "The queue reports is full."),
        ({"scope": "type"}, 503, "queue-full", "New orders of heavy are not accepted at the moment."),
        (
            {"scope": "type", "limit": 9}, 503, "queue-full",
            "9 jobs of type heavy are already queued, which is the maximum.",
        ),
        (
            {"scope": "owner", "limit": 9}, 429, "owner-queue-full",
            "You have 9 jobs waiting in the queue reports, which is the maximum.",
        ),
    ],
)  # fmt: skip
def test_a_refusal_is_a_sentence_and_a_time_to_come_back(
    facts: dict[str, Any], status: int, code: str, detail: str
) -> None:
    problem = as_problem(AdmissionError(queue="reports", type="heavy", **facts))
    assert isinstance(problem, ProblemError)
    assert (problem.status_code, problem.problem_code, problem.detail) == (status, code, detail)
    assert problem.retry_after == 30


def test_an_error_asks_the_database_nothing(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    Queue.objects.filter(name="reports").update(max_queued_per_owner=0)
    with pytest.raises(AdmissionError) as refused:
        submit_job(kind="report", owner=owner, payload={"reportType": "yearly-sales"})
    with django_assert_num_queries(0):
        assert str(refused.value) == "You have 0 jobs waiting in the queue reports, which is the maximum."
        assert (refused.value.queue, refused.value.type) == ("reports", "yearly-sales")


@pytest.mark.parametrize(
    "error", [AdmissionError(queue="reports"), IdempotencyKeyInUseError("a"), IdempotencyKeyReusedError("a")]
)
def test_the_manners_of_http_know_no_job(error: Exception) -> None:
    assert problem_handler(error, {}) is None
    assert isinstance(as_problem(error), ProblemError)
