"""Why a queued job waits, as its owner is told by the API and on the page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs.api.status import queue_members
from jobs.estimates.estimate import estimate
from jobs.models import Job, Queue, TypeDials, Worker
from jobs.states import State
from tabular.dialect import Dialect

pytestmark = pytest.mark.django_db

PAYLOAD = {"reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": Dialect().to_payload(), "language": "en"}
LONG_AGO = timedelta(minutes=5)


@pytest.fixture
def report(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A report that waits for its turn, unless told otherwise."""
    usual = {"kind": "report", "type": "yearly-sales", "payload": PAYLOAD, "released_at": None}
    return lambda **values: make_job(**{**usual, **values})


def code_of(job: Job) -> str | None:
    job.refresh_from_db()
    reason = queue_members(estimate(job)).get("waitingReason")
    return reason["code"] if reason else None


@pytest.mark.parametrize(
    ("dials", "type_dials", "running", "code"),
    [
        ({"paused": True}, {}, 0, "queue-paused"),
        ({"max_running": 0}, {}, 0, "queue-paused"),
        ({"max_running_per_owner": 0}, {}, 0, "queue-paused"),
        ({"max_running_per_type": 0}, {}, 0, "type-paused"),
        ({}, {"paused": True}, 0, "type-paused"),
        ({"max_running_per_owner": 1}, {}, 1, "owner-limit"),
        ({"max_running_per_type": 1}, {}, 1, "type-limit"),
        ({}, {"max_running": 1}, 1, "type-limit"),
        ({"max_running": 1}, {}, 1, "queue-limit"),
        ({"paused": True, "max_running": 1}, {"paused": True}, 1, "queue-paused"),
    ],
)
def test_a_job_says_which_dial_it_waits_for(
    report: Callable[..., Job], dials: dict[str, Any], type_dials: dict[str, Any], running: int, code: str
) -> None:
    Queue.objects.filter(name="reports").update(**dials)
    if type_dials:
        TypeDials.objects.create(kind="report", type="yearly-sales", **type_dials)
    for _ in range(running):
        report(state=State.RUNNING, started_at=Now(), lease_expires_at=Now() + LONG_AGO)
    assert code_of(report()) == code


def test_a_job_that_was_handed_out_says_whether_anybody_takes_it(report: Callable[..., Job]) -> None:
    assert code_of(report(released_at=Now())) is None
    job = report(released_at=Now() - LONG_AGO)
    assert code_of(job) == "no-worker"
    report(state=State.RUNNING, started_at=Now(), lease_expires_at=Now() + LONG_AGO)
    assert code_of(job) == "workers-busy"


def test_a_job_whose_queue_no_worker_consumes_says_so_at_once(report: Callable[..., Job]) -> None:
    Worker.objects.all().delete()
    job = report(released_at=Now())
    assert code_of(job) is None, "no worker has told of itself"
    Worker.objects.create(name="io@here", queues=["operations"], started_at=Now(), seen_at=Now())
    assert code_of(job) == "no-worker"
    Worker.objects.create(name="csv@here", queues=["reports"], started_at=Now(), seen_at=Now() - LONG_AGO)
    assert code_of(job) == "no-worker"
    Worker.objects.filter(name="csv@here").update(seen_at=Now())
    assert code_of(job) is None


def test_a_job_behind_others_that_nobody_takes_says_so(report: Callable[..., Job]) -> None:
    Queue.objects.filter(name="reports").update(max_running=1)
    report(released_at=Now() - LONG_AGO)
    assert code_of(report()) == "no-worker"


def test_a_job_with_a_free_place_has_no_reason_nor_is_the_limit_of_another_owner_mine(
    report: Callable[..., Job],
) -> None:
    Queue.objects.filter(name="reports").update(max_running_per_owner=1)
    report(state=State.RUNNING, owner=User.objects.create_user("bob"), lease_expires_at=Now() + LONG_AGO)
    assert code_of(report()) is None


def test_a_job_that_does_not_wait_for_its_turn_has_no_reason(report: Callable[..., Job]) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    assert code_of(report(state=State.RUNNING, started_at=Now())) is None
    assert code_of(report(state=State.SUCCEEDED, finished_at=Now())) is None


def test_the_api_and_the_page_say_the_same_without_another_query(
    client: Client, owner: User, report: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    job = report()
    client.force_login(owner)
    with django_assert_num_queries(5):  # session, user, the job, the queue's flow, and once a second its waiting jobs
        body = client.get(f"/api/reports/{job.pk}/status").json()
    detail = "An administrator has paused this queue. Nothing in it starts until it is resumed."
    assert body["waitingReason"] == {"code": "queue-paused", "detail": detail}
    assert detail in client.get(f"/reports/{job.pk}").content.decode()
