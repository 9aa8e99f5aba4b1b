"""`Prefer: wait=N`: the answer to an order is held back until its job has ended."""

import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from gunicorn.config import Config
from pytest_django import Settings
from rest_framework.test import APIClient

from config.arriving import GunicornClient
from config.web_worker import THREADS
from jobs.api import awaiting
from jobs.http.clients import KEY
from jobs.models import Job, Queue
from jobs.states import State
from jobs.worker.execution import execute_job
from reports.api.resource import REPORTS
from tests.support.ordering import ORDER, post
from tests.support.threads import Threads
from tests.support.tokens import client_of
from tests.support.waiting import wait_until
from tests.support.waiting_orders import applied, once_waiting, waiting

pytestmark = pytest.mark.django_db(transaction=True)

REUSING = {**ORDER, "reuse": True}
FAILURE = {"error": {"code": "internal-error", "detail": "…", "retryable": True}}


@pytest.fixture(autouse=True)
def nothing_runs(transactional_db: None) -> None:
    """Other tests' workers may be there."""
    Queue.objects.update(paused=True)


def run() -> None:
    """Execute the only job, as a worker does."""
    Job.objects.filter(released_at=None).update(released_at=Now())
    execute_job(Job.objects.get().pk, worker="w")


def end(state: State) -> None:
    Job.objects.update(state=state, finished_at=Now(), result=FAILURE if state == State.DEAD else None)


def test_the_answer_to_an_order_whose_job_ends_in_time_is_its_last_status(api: APIClient) -> None:
    began = time.monotonic()
    with once_waiting(run):
        response = post(api, ORDER, headers={"Prefer": "wait=20"})
    assert time.monotonic() - began < 15
    job = Job.objects.get()
    status = f"/api/reports/{job.pk}/status"
    assert applied(response) == (200, "wait=20")
    assert response.json()["status"] == "Complete"
    assert response.json() == api.get(status).json()
    assert (response["Location"], response["Content-Location"]) == (status, status)
    assert response["Operation-Location"] == f"http://testserver/api/operations/{job.pk}"
    assert "Retry-After" not in response
    assert "Prefer" in response["Vary"].split(", ")
    assert response["Cache-Control"] == "private, no-cache"
    assert waiting() == 0


@pytest.mark.parametrize(("state", "word"), [(State.DEAD, "Failed"), (State.CANCELLED, "Canceled")])
def test_every_end_is_an_end(state: State, word: str, api: APIClient) -> None:
    with once_waiting(partial(end, state)):
        response = post(api, ORDER, headers={"Prefer": "wait=20"})
    assert applied(response) == (200, "wait=20")
    assert response.json()["status"] == word


def test_the_answer_to_an_order_whose_job_takes_longer_is_its_status_by_then(api: APIClient) -> None:
    began = time.monotonic()
    with once_waiting(lambda: Job.objects.update(state=State.RUNNING, started_at=Now())):
        response = post(api, ORDER, headers={"Prefer": "wait=1"})
    assert time.monotonic() - began >= 0.9
    assert applied(response) == (202, "wait=1")
    assert response.json()["status"] == "In Progress"
    assert response["Retry-After"] == "1"
    assert "Content-Location" not in response
    assert "Prefer" in response["Vary"].split(", ")
    assert waiting() == 0


def test_a_job_that_waits_for_its_retry_has_not_ended(api: APIClient) -> None:
    with once_waiting(lambda: Job.objects.update(state=State.FAILED, retry_at=Now())):
        response = post(api, ORDER, headers={"Prefer": "wait=1"})
    assert applied(response) == (202, "wait=1")


def test_a_longer_wait_is_capped_and_the_answer_says_so(api: APIClient, settings: Settings) -> None:
    settings.PREFER_WAIT_MAX_SECONDS = 1
    assert applied(post(api, ORDER, headers={"Prefer": "wait=86400"})) == (202, "wait=1")
    settings.PREFER_WAIT_MAX_SECONDS = -1
    assert applied(post(api, ORDER, headers={"Prefer": "wait=86400"})) == (202, "wait=0")


def test_no_time_to_wait_is_honoured_at_once_and_without_a_place(api: APIClient, settings: Settings) -> None:
    settings.PREFER_WAIT_PLACES = 0
    assert applied(post(api, ORDER, headers={"Prefer": "wait=0"})) == (202, "wait=0")


@pytest.mark.parametrize("prefer", ["", "wait", "wait=soon", "wait=-1", "wait=x, wait=9", "foo; wait=9"])
def test_nonsense_is_ignored(prefer: str, api: APIClient) -> None:
    with CaptureQueriesContext(connection):
        response = post(api, ORDER, headers={"Prefer": prefer})
    assert applied(response) == (202, None)
    assert "Prefer" in response["Vary"].split(", "), "another request for this might be answered otherwise"


@pytest.mark.parametrize(
    ("prefer", "late", "early"),
    [
        ("respond-async, wait=1", "respond-async, wait=1", "wait=1"),
        ('foo="a,b"; bar, Wait="1"', "wait=1", "wait=1"),
        ("wait=1, wait=9, respond-async", "respond-async, wait=1", "wait=1"),
    ],
)
def test_it_stands_among_other_preferences(prefer: str, late: str, early: str, api: APIClient) -> None:
    headers = {"Prefer": prefer, "Idempotency-Key": "k"}
    assert applied(post(api, ORDER, headers=headers)) == (202, late)
    end(State.CANCELLED)
    assert applied(post(api, ORDER, headers=headers)) == (200, early)


def test_without_a_place_the_answer_comes_at_once(api: APIClient, owner: User, settings: Settings) -> None:
    settings.PREFER_WAIT_PLACES = 1
    asked = {"Prefer": "respond-async, wait=20"}
    with Threads(1) as threads:
        first = threads.submit(post, client_of(owner), ORDER, headers=asked)
        wait_until(lambda: waiting() == 1, message="the first order waits")
        began = time.monotonic()
        assert applied(post(api, ORDER, headers=asked)) == (202, "respond-async")
        assert time.monotonic() - began < 5
        assert not first.done()
        end(State.CANCELLED)
        assert applied(first.result()) == (200, "wait=20")
    with once_waiting(partial(end, State.CANCELLED)):
        assert applied(post(api, ORDER, headers=asked)) == (200, "wait=20"), "the place is free again"


def test_the_place_is_free_again_after_a_wait_in_vain(api: APIClient, settings: Settings) -> None:
    settings.PREFER_WAIT_PLACES = 1
    for _ in range(2):
        assert applied(post(api, ORDER, headers={"Prefer": "wait=1"})) == (202, "wait=1")


def test_a_client_that_has_gone_frees_its_place(api: APIClient) -> None:
    ours, theirs = socket.socketpair()
    environment: dict[str, Any] = {KEY: GunicornClient(ours, lambda: False)}
    with ours, theirs:
        began = time.monotonic()
        with once_waiting(theirs.close):
            response = post(api, ORDER, headers={"Prefer": "wait=20"}, **environment)
        assert time.monotonic() - began < 10
    assert applied(response) == (202, None)
    assert (waiting(), awaiting._places._taken) == (0, 0)


def test_a_server_that_stops_answers_those_who_wait(api: APIClient) -> None:
    stopping: list[bool] = []
    ours, theirs = socket.socketpair()
    environment: dict[str, Any] = {KEY: GunicornClient(ours, lambda: bool(stopping))}
    with ours, theirs, once_waiting(lambda: stopping.append(True)):
        response = post(api, ORDER, headers={"Prefer": "wait=20"}, **environment)
    assert applied(response) == (202, None)
    assert (response.json()["status"], response["Location"]) == (
        "Queued",
        f"/api/reports/{Job.objects.get().pk}/status",
    )


def test_an_order_that_is_sent_again_waits_too(api: APIClient) -> None:
    headers = {"Idempotency-Key": "k", "Prefer": "wait=20"}
    assert applied(post(api, ORDER, headers={"Idempotency-Key": "k"})) == (202, None)
    with once_waiting(run):
        response = post(api, ORDER, headers=headers)
    assert applied(response) == (200, "wait=20")
    assert response["Idempotency-Replayed"] == "true"
    again = post(api, ORDER, headers=headers)
    assert applied(again) == (200, "wait=20"), "it has ended before"
    assert again.json() == response.json()
    assert applied(post(api, ORDER, headers={"Idempotency-Key": "k"})) == (202, None), "as ever without the preference"


def test_an_order_that_reuses_an_equal_report_waits_too(api: APIClient) -> None:
    first = post(api, ORDER).json()
    with once_waiting(run):
        response = post(api, REUSING, headers={"Prefer": "wait=20"})
    assert applied(response) == (200, "wait=20")
    assert (response.json()["id"], response["Report-Reused"]) == (first["id"], "true")


def test_several_requests_wait_for_one_job(api: APIClient, owner: User) -> None:
    headers = {"Idempotency-Key": "k", "Prefer": "wait=20"}
    with Threads(1) as threads:
        first = threads.submit(post, client_of(owner), ORDER, headers=headers)
        wait_until(lambda: waiting() == 1, message="the first request waits")
        with once_waiting(run, count=2):
            second = post(api, ORDER, headers=headers)
        assert [applied(each) for each in (first.result(), second)] == [(200, "wait=20")] * 2
        assert first.result().json() == second.json()
    assert Job.objects.count() == 1


def test_a_retry_and_a_cancellation_wait_too(api: APIClient) -> None:
    path = post(api, ORDER)["Location"].removesuffix("/status")
    end(State.DEAD)
    with once_waiting(run):
        response = api.post(f"{path}/retry", headers={"Prefer": "wait=20"})
    assert (applied(response), response.json()["status"]) == ((200, "wait=20"), "Complete")
    Job.objects.update(state=State.RUNNING, finished_at=None)
    with once_waiting(partial(end, State.CANCELLED)):
        response = api.delete(path, headers={"Prefer": "wait=20"})
    assert (applied(response), response.json()["status"]) == ((200, "wait=20"), "Canceled")


def test_a_job_is_committed_before_its_order_waits(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with once_waiting(run):
        assert applied(post(api, ORDER, headers={"Prefer": "wait=20"})) == (200, "wait=20")


def test_nothing_is_waited_for_within_a_transaction(api: APIClient) -> None:
    with transaction.atomic():
        assert applied(post(api, ORDER, headers={"Prefer": "wait=20"})) == (202, None)


def test_an_order_of_a_session_waits_too(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.get("/reports/new?type=yearly-sales")
    headers = {"Prefer": "wait=20", "X-CSRFToken": client.cookies["csrftoken"].value}
    order = partial(client.post, "/api/reports", ORDER, content_type="application/json")
    assert order(headers={"Prefer": "wait=20"}).status_code == 403
    with once_waiting(run):
        assert applied(order(headers=headers)) == (200, "wait=20")


def test_a_wait_is_one_request_of_the_quota(api: APIClient, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10
    with once_waiting(run):
        response = post(api, ORDER, headers={"Prefer": "wait=20"})
    assert response["RateLimit"].startswith('"requests";r=9;')


def test_a_waiting_order_takes_no_statements_of_its_own(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dispatch.remembered_queue.REMEMBERED_SECONDS", 3600.0)

    def statements(prefer: str, act: Callable[[], object] | None = None) -> int:
        with CaptureQueriesContext(connection) as asked:
            if act is None:
                post(api, ORDER, headers={"Prefer": prefer})
            else:
                with once_waiting(act):
                    post(api, ORDER, headers={"Prefer": prefer})
        return len(asked)

    for _ in range(3):  # the use of the token is noted, once a minute; and the queue is read when orders come fast
        post(api, ORDER)
    plain = statements("")
    assert plain == 4  # the token with its user; the INSERT, whether to look again; the estimate
    assert statements("wait=1") == plain
    assert statements("wait=20", partial(end, State.CANCELLED)) == plain - 1, "what has ended needs no estimate"


def test_a_long_wait_holds_no_session(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "KEEP_SESSION_SECONDS", 0.0)
    of_the_request = connections["default"]  # of this thread

    def look() -> None:
        wait_until(lambda: of_the_request.connection is None, message="the session is given back")
        run()

    with once_waiting(look):
        assert applied(post(api, ORDER, headers={"Prefer": "wait=20"})) == (200, "wait=20")


def test_a_kind_may_answer_with_something_else_than_the_status(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REPORTS, "answer_when_ended", lambda job: (f"/results/{job.pk}", {"rows": 7}))
    with once_waiting(run):
        response = post(api, ORDER, headers={"Prefer": "wait=20"})
    job = Job.objects.get()
    assert (applied(response), response.json()) == ((200, "wait=20"), {"rows": 7})
    assert response["Content-Location"] == f"/results/{job.pk}"
    assert response["Location"] == f"/api/reports/{job.pk}/status"


def test_an_order_stays_accepted_if_its_end_cannot_be_shown(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: Job) -> None:
        raise OperationalError("PostgreSQL is away")

    monkeypatch.setattr(REPORTS, "answer_when_ended", fail)
    with once_waiting(run):
        response = post(api, ORDER, headers={"Prefer": "wait=20"})
    assert (response.status_code, response.json()["status"]) == (202, "Queued")


def test_the_defaults_leave_threads_to_others_and_end_before_the_timeouts() -> None:
    assert django_settings.PREFER_WAIT_PLACES == THREADS // 4
    assert django_settings.PREFER_WAIT_PLACES + django_settings.UPLOADS_AT_ONCE < THREADS
    assert Config().settings["timeout"].default > django_settings.PREFER_WAIT_MAX_SECONDS
