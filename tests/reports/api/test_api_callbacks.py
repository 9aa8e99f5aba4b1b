"""Orders that want to be called back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from jobs.models import Callback, Job, Queue
from jobs.states import State
from jobs.webhooks.default_url import set_default_url
from jobs.worker.execution import execute_job

pytestmark = pytest.mark.django_db

ORDER = {"reportType": "yearly-sales", "parameters": {"year": "2023"}}
URL = "https://example.com/hook?key=s3cret"


def order(api: APIClient, **members: Any) -> Any:
    return api.post("/api/reports", {**ORDER, **members}, format="json")


def asked_for() -> list[str]:
    return [callback.url for callback in Callback.objects.all()]


def test_an_order_keeps_where_it_wants_to_be_called_beside_its_job(api: APIClient) -> None:
    assert order(api, callbackURL="https://EXAMPLE.com/hook?key=s3cret").status_code == 202
    job = Job.objects.get()
    assert (job.calls_back, asked_for(), Callback.objects.get().job) == (True, [URL], job)
    assert order(api).status_code == 202
    plain = Job.objects.exclude(pk=job.pk).get()
    assert (plain.payload, plain.calls_back) == (job.payload, False)


def test_the_settings_say_it_for_orders_that_say_nothing(api: APIClient, owner: User) -> None:
    set_default_url(owner, URL)
    set_default_url(User.objects.create_user("eve"), "https://eve.example.com/")
    order(api)
    order(api, callbackURL="https://other.example.com/")
    order(api, callbackURL=None)
    assert asked_for() == [URL, "https://other.example.com/"]
    assert list(Job.objects.order_by("pk").values_list("calls_back", flat=True)) == [True, True, False]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/latest",
        "https://ada:pw@example.com/", "https://example.com/#x", "https://example.com/\n", "hook", "", 7, [],
    ],
)  # fmt: skip
def test_a_url_that_is_not_allowed_is_pointed_at_and_leaves_no_row(url: Any, api: APIClient) -> None:
    answer = order(api, callbackURL=url)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (400, ["#/callbackURL"])
    assert not Job.objects.exists()


def test_a_name_is_not_resolved_in_the_request(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: pytest.fail("a name was resolved"))
    assert order(api, callbackURL=URL).status_code == 202


def test_an_order_that_is_refused_leaves_no_callback(api: APIClient) -> None:
    Queue.objects.filter(name="reports").update(accepting=False)
    assert order(api, callbackURL=URL).status_code == 503
    assert asked_for() == []


def test_an_order_costs_as_much_with_a_callback_as_without(
    api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dispatch.remembered_queue.REMEMBERED_SECONDS", 3600.0)
    counts = []
    for _ in range(3):  # the use of the token is noted, once a minute; and the queue is read when orders come fast
        order(api)
    for default in ("", URL):
        set_default_url(owner, default)
        for members in ({"callbackURL": None}, {}, {"callbackURL": URL}):
            with CaptureQueriesContext(connection) as queries:
                order(api, **members)
            counts.append(len(queries))
    assert counts == [counts[0]] * 6
    assert counts[0] == 3  # the token with its user; the job; the queue and what is ahead, as it is not handed out
    assert asked_for() == [URL] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fails", "event", "status"), [(False, "completed", "Complete"), (True, "failed", "Failed")])
def test_what_is_told_leads_on_to_the_report(
    fails: bool, event: str, status: str, api: APIClient, report_of: Callable[..., str]
) -> None:
    Queue.objects.update(paused=True)
    report_of("SELECT 1 AS one" if not fails else "SELECT one")
    answer = order(api, reportType="made", parameters={}, callbackURL=URL)
    assert answer.status_code == 202, answer.content
    job = Job.objects.get()
    Job.objects.update(released_at=job.created_at)
    execute_job(job.pk, worker="w")
    body = Job.objects.get(kind="callback").payload["body"]
    assert body["type"] == f"report.{event}"
    links = {"statusURL": f"/api/reports/{job.pk}/status"}
    if not fails:
        links["reportURL"] = f"/api/reports/{job.pk}/download"
    assert body["data"] == {"id": str(job.pk), "reportType": "made", "status": status, **links}
    told = api.get(body["data"]["statusURL"]).json()
    assert told["status"] == status
    assert told.get("reportURL") == links.get("reportURL")


def test_the_status_of_a_report_tells_nothing_of_its_callback(api: APIClient) -> None:
    ordered = order(api, callbackURL=URL)
    pk = ordered.json()["id"]
    for path in (f"/api/reports/{pk}", f"/api/reports/{pk}/status", f"/api/operations/{pk}", "/api/reports"):
        assert "s3cret" not in api.get(path).content.decode()
    assert Job.objects.get().state == State.QUEUED
