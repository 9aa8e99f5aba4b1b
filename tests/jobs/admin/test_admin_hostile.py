"""Requests that a person would not send by accident."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from jobs.models import Attempt, Event, Job, Queue, SearchTerms
from jobs.models.bulk import BulkRun
from jobs.payloads.search import same_work_term, terms_of
from jobs.states import State

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"
SECRET = "s3cret-s3cret"


@pytest.fixture
def job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Job:
    kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(paused=True)
    payload = {"token": SECRET, "list": [{"token": "aaaa"}, {"token": "bbbb"}], "n": 1}
    job = make_job(state=State.DEAD, payload=payload, released_at=None, finished_at=Now())
    SearchTerms.objects.create(job=job, terms=terms_of(job.kind, payload))
    return job


@pytest.mark.parametrize(
    "query",
    [
        "payload__token__startswith=s3", "payload__token__regex=(", "payload__token=x", "state__gt=a",
        "error_message__contains=x", "search_terms__terms__contains=x",
    ],
)  # fmt: skip
def test_a_url_looks_for_nothing_but_filters(member: Callable[[str], Client], job: Job, query: str) -> None:
    assert member("viewer").get(f"{LIST}?{query}").status_code == 400


def test_tokens_are_not_found_by_their_digests(member: Callable[[str], Client]) -> None:
    assert member("administrator").get("/admin/jobs/apitoken/?digest__startswith=a").status_code == 400


def test_a_guess_of_a_whole_payload_finds_nothing(member: Callable[[str], Client], job: Job) -> None:
    shown = member("viewer").get(LIST, {"q": same_work_term(job.kind, job.payload)})
    assert shown.context["cl"].result_count == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda payload: payload["list"].pop(), "/list/0/token"),
        (lambda payload: payload["list"].append({"token": "***"}), "/list/2/token"),
        (lambda payload: payload.update(more={"password": "***"}), "/more/password"),
    ],
)
def test_a_mask_that_stands_for_no_secret_must_be_written_anew(
    member: Callable[[str], Client], job: Job, change: Callable[[Any], Any], pointer: str
) -> None:
    payload = {"token": "***", "list": [{"token": "***"}, {"token": "***"}], "n": 2}
    change(payload)
    sent = {"payload": json.dumps(payload), "reason": "r", "post": "yes"}
    page = member("operator").post(f"{LIST}{job.pk}/edit/", sent).content.decode()
    assert f"{pointer}: Enter this secret again." in page
    assert Job.objects.get().payload["n"] == 1


def test_an_edit_is_refused_where_requeueing_is(member: Callable[[str], Client], job: Job) -> None:
    User.objects.filter(username="ada").update(is_active=False)
    payload = {"token": "***", "list": [{"token": "***"}, {"token": "***"}], "n": 2}
    sent = {"payload": json.dumps(payload), "reason": "r", "post": "yes"}
    page = member("operator").post(f"{LIST}{job.pk}/edit/", sent, follow=True).content.decode()
    assert "Nothing was changed: The account of its owner, ada, is deactivated." in page
    found = Job.objects.get()
    assert (found.state, found.payload["n"], found.revisions.count()) == (State.DEAD, 1, 0)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 900 + "1" + "}" * 900, "9" * 5000, '"\\ud800"', '{"a": "\\u0000"}', "NaN", "{"]
)
def test_json_that_cannot_be_kept_is_refused(member: Callable[[str], Client], job: Job, text: str) -> None:
    answer = member("operator").post(f"{LIST}{job.pk}/edit/?json", {"payload": text, "reason": "r", "post": "yes"})
    assert answer.status_code == 200
    assert Job.objects.get().state == State.DEAD


@pytest.mark.parametrize(
    "path",
    [
        f"{LIST}?owner=%00", f"{LIST}?q=%00", "/admin/jobs/attempt/?outcome=%00", "/admin/jobs/queue/%00/pause/",
        "/admin/jobs/bulkrun/order/?act=requeue&owner=%00",
    ],
)  # fmt: skip
def test_a_nul_is_a_bad_request(member: Callable[[str], Client], path: str) -> None:
    assert member("operator").get(path).status_code == 400


@pytest.mark.parametrize("action", ["requeue_jobs", "export_jobs", "discard_jobs"])
def test_a_selection_that_is_no_id_is_said_to_be_so(member: Callable[[str], Client], job: Job, action: str) -> None:
    answer = member("operator").post(LIST, {"action": action, "_selected_action": "abc"}, follow=True)
    assert "The selection contains something that is not a job." in answer.content.decode()


def test_a_fencing_token_that_is_none_is_ignored(member: Callable[[str], Client], job: Job) -> None:
    sent = {"action": "discard_jobs", "_selected_action": str(job.pk), "post": "yes", "reason": "r"}
    member("operator").post(LIST, {**sent, f"seen-{job.pk}": "9" * 5000})
    assert Job.objects.get().state == State.CANCELLED


@pytest.mark.parametrize("query", ["fingerprint=", "stat=dead", "state=dead&owner="])
def test_a_bulk_order_whose_criteria_are_empty_or_misspelt_is_none(member: Callable[[str], Client], query: str) -> None:
    path = f"/admin/jobs/bulkrun/order/?act=discard&{query}"
    client = member("operator")
    assert client.get(path).status_code == 404
    assert client.post(path, {"reason": "r", "jobs_per_second": "1"}).status_code == 404
    assert not BulkRun.objects.exists()


def test_jobs_without_a_fingerprint_are_no_group_to_act_on(member: Callable[[str], Client], job: Job) -> None:
    page = member("operator").get(f"{LIST}groups/").content.decode()
    assert "No error recorded" in page
    assert "/bulkrun/order/" not in page


def test_a_closed_queue_of_operations_is_said_to_be_so(member: Callable[[str], Client]) -> None:
    Queue.objects.filter(name="operations").update(accepting=False)
    path = "/admin/jobs/bulkrun/order/?act=requeue&state=dead"
    page = member("operator").post(path, {"reason": "r", "jobs_per_second": "1"}, follow=True).content.decode()
    assert "The queue operations is closed" in page


def test_dials_that_somebody_else_has_turned_meanwhile_are_left_alone(member: Callable[[str], Client]) -> None:
    client = member("administrator")
    change = {"accepting": "on", "pace": "fixed", "max_running": "7", "database": "default"}
    asked = client.post("/admin/jobs/queue/reports/change/", {**change, "reason": "r"})
    sent: dict[str, list[str]] = {"post": ["yes"]}
    for name, value in asked.context["hidden"]:
        sent.setdefault(name, []).append(value)
    Queue.objects.filter(name="reports").update(paused=True)
    client.post("/admin/jobs/queue/reports/change/", sent)
    assert Queue.objects.values_list("paused", "max_running").get(name="reports") == (True, 7)
    Queue.objects.filter(name="reports").update(max_running=5)
    page = client.post("/admin/jobs/queue/reports/change/", sent, follow=True).content.decode()
    assert "Nothing was changed: max_running has been changed to 5 in the meantime." in page


def test_odd_rows_have_pages(member: Callable[[str], Client], job: Job) -> None:
    Event.objects.create(job=job, name="unheard of", details=["odd"])
    Event.objects.create(job=job, name="started", details="odd")
    Job.objects.update(queue="")
    assert member("viewer").get(f"{LIST}{job.pk}/change/").status_code == 200


def test_texts_that_an_older_version_stored_are_masked_wherever_they_are_shown(
    member: Callable[[str], Client], job: Job
) -> None:
    Job.objects.update(error_message=f"refused {SECRET}", error_fingerprint="f" * 16)
    attempt = Attempt.objects.create(
        job=job, number=1, fencing_token=1, worker="w", error_message=SECRET, traceback=f"Traceback {SECRET}"
    )
    client = member("viewer")
    pages = [f"/admin/jobs/attempt/{attempt.pk}/change/", f"{LIST}groups/", f"{LIST}{job.pk}/change/"]
    texts = [client.get(path).content.decode() for path in pages]
    sent = client.post(LIST, {"action": "export_jobs", "_selected_action": str(job.pk)})
    texts.append(b"".join(sent.streaming_content).decode())  # type: ignore[attr-defined]
    assert [SECRET in text for text in texts] == [False] * 4


def test_a_kind_that_is_gone_takes_no_secret_with_it(
    member: Callable[[str], Client], make_job: Callable[..., Job]
) -> None:
    job = make_job(kind="gone", payload={"pin": "4711-4711"}, state=State.DEAD)
    report = make_job(kind="report", payload={"reportType": "gone", "parameters": {"pin": "4711-4711"}})
    client = member("viewer")
    assert [b"4711-4711" in client.get(f"{LIST}{each.pk}/change/").content for each in (job, report)] == [False] * 2
