"""What is told about a call: its order, its status, its place among others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from calls.types import CALL_TYPES, Host
from jobs.models import Artifact, Job
from jobs.states import State
from jobs.webhooks.announcing import message_of
from tests.support.ordered_calls import DOUBLES, called, called_for_text, ordered
from tests.support.ordering import assert_problem
from tests.support.tokens import client_of
from tests.support.uploads import run

pytestmark = pytest.mark.django_db


def order(api: APIClient, body: Any = DOUBLES, **options: Any) -> Any:
    return api.post("/api/calls", body, format="json", **options)


def status(api: APIClient, job: Job) -> dict[str, Any]:
    answer = api.get(f"/api/calls/{job.pk}/status")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_an_order_is_accepted_with_the_addresses_of_its_status(api: APIClient) -> None:
    answer = order(api)
    assert answer.status_code == 202, answer.content
    job = Job.objects.get()
    assert answer["Location"] == f"/api/calls/{job.pk}/status"
    assert answer["Operation-Location"] == f"http://testserver/api/operations/{job.pk}"
    assert int(answer["Retry-After"]) >= 1
    body = answer.json()
    told = ("callType", "status", "progress", "stepsDone", "stepsTotal", "cancelURL")
    assert {name: body[name] for name in told} == {
        "callType": "doubles", "status": "Queued", "progress": 0, "stepsDone": 0, "stepsTotal": None,
        "cancelURL": f"/api/calls/{job.pk}",
    }  # fmt: skip
    assert {name for name in body if name.startswith("rows")} == set()
    assert (job.kind, job.type, job.queue) == ("call", "doubles", "calls")


def test_an_order_that_waits_is_answered_with_the_result(api: APIClient) -> None:
    key = {"Idempotency-Key": "twice"}
    job = Job.objects.get(pk=order(api, headers=key).json()["id"])
    run(job)
    answer = order(api, headers={**key, "Prefer": "wait=5"})
    assert (answer.status_code, answer.json()) == (200, {"doubled": [2, 4, 6], "total": 12})
    told = ("Content-Location", "Location", "Preference-Applied")
    assert [answer[name] for name in told] == [
        f"/api/calls/{job.pk}/result", f"/api/calls/{job.pk}/status", "wait=5",
    ]  # fmt: skip
    assert order(api, headers=key).status_code == 202


def test_an_order_whose_result_is_a_file_is_answered_with_its_status(api: APIClient) -> None:
    body, key = {"callType": "text", "parameters": {"length": 100_000}}, {"Idempotency-Key": "twice"}
    job = Job.objects.get(pk=order(api, body, headers=key).json()["id"])
    run(job)
    answer = order(api, body, headers={**key, "Prefer": "wait=5"})
    assert (answer.status_code, answer.json()["status"]) == (200, "Complete")
    assert answer["Content-Location"] == f"/api/calls/{job.pk}/status"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"callType": "nonsense"}, "unknown-call-type", "#/callType"),
        ({"parameters": {"numbers": ["x"]}}, "invalid-request", "#/parameters/numbers/0"),
        ({"parameters": {}}, "invalid-request", "#/parameters/numbers"),
        ({"extra": 1}, "invalid-request", "#/extra"),
    ],
)
def test_a_wrong_order_is_refused_with_the_place(
    change: dict[str, Any], code: str, pointer: str, api: APIClient
) -> None:
    problem = assert_problem(order(api, {**DOUBLES, **change}), 400, code)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert not Job.objects.exists()
    if code == "unknown-call-type":
        assert set(problem["callTypes"]) >= {"doubles", "text"}


def test_the_same_key_gets_the_first_answer(api: APIClient) -> None:
    first, again = (order(api, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (again.status_code, again["Idempotency-Replayed"], again.json()["id"]) == (202, "true", first.json()["id"])
    other = {**DOUBLES, "parameters": {"numbers": [4]}}
    assert_problem(order(api, other, headers={"Idempotency-Key": "k1"}), 422, "idempotency-key-reused")
    assert Job.objects.count() == 1


def test_a_complete_call_tells_its_result_and_as_many_steps_as_were_done(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 2, 3)
    body = status(api, job)
    assert {name: body[name] for name in ("status", "callURL", "progress", "stepsDone", "stepsTotal")} == {
        "status": "Complete", "callURL": f"/api/calls/{job.pk}/result", "progress": 100, "stepsDone": 4,
        "stepsTotal": 4,
    }  # fmt: skip
    assert body.keys() == {
        "id", "callType", "status", "callURL", "progress", "stepsDone", "stepsTotal", "createdAt", "completedAt",
    }  # fmt: skip
    operation = api.get(f"/api/operations/{job.pk}").json()
    assert (operation["status"], operation["percentComplete"], operation["resourceLocation"]) == (
        "Succeeded", 100, f"http://testserver/api/calls/{job.pk}/result"
    )  # fmt: skip
    assert message_of(job, url="https://x.example/")["body"]["data"] == {
        "id": str(job.pk), "status": "Complete", "callType": "doubles", "statusURL": f"/api/calls/{job.pk}/status",
        "callURL": f"/api/calls/{job.pk}/result",
    }  # fmt: skip


def test_a_large_result_expires_and_a_small_one_does_not(api: APIClient, owner: User) -> None:
    small, large = called(owner, 1), called_for_text(owner, 300_000)
    body = status(api, large)
    artifact = Artifact.objects.get(job=large, role="result")
    assert (body["status"], body["sizeBytes"], body["sha256"]) == ("Complete", artifact.size_bytes, artifact.sha256)
    assert body["expiresAt"]
    assert {"rowCount", "encoding"} & body.keys() == set()
    Artifact.objects.filter(pk=artifact.pk).update(expires_at=Now() - timedelta(seconds=1))
    assert [status(api, job)["status"] for job in (small, large)] == ["Complete", "Expired"]
    for word, job in (("Complete", small), ("Expired", large)):
        [listed] = api.get(f"/api/calls?status={word}").json()["results"]
        assert (listed["id"], listed["status"], listed["stepsDone"]) == (str(job.pk), word, job.progress_done)
    assert "callURL" not in status(api, large)
    assert "resourceLocation" not in api.get(f"/api/operations/{large.pk}").json()


def test_a_call_that_waits_for_its_service_says_until_when_and_why(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 2, 19)
    body = status(api, job)
    assert {name: body[name] for name in ("status", "waitingFor", "attempt", "stepsDone", "stepsTotal")} == {
        "status": "Queued", "waitingFor": "The service is busy.", "attempt": 0, "stepsDone": 2, "stepsTotal": 4,
    }  # fmt: skip
    retry_at = parse_datetime(body["retryAt"])
    assert retry_at is not None
    assert timedelta(minutes=4) < retry_at - timezone.now() < timedelta(minutes=6)


def test_a_failed_call_keeps_its_numbers_and_tells_no_internals(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 13, 2)
    body = status(api, job)
    assert (body["status"], body["stepsDone"], body["stepsTotal"], body["retryable"]) == ("Failed", 1, 4, False)
    assert (body["error"]["code"], body["error"]["detail"]) == ("unlucky", "13 cannot be doubled.")
    assert "10.0.0.1" not in api.get(f"/api/calls/{job.pk}").content.decode()


def test_a_failed_call_is_retried_and_its_steps_are_not_repeated(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 13)
    steps = list(job.steps.values_list("name", "attempt", "outcome"))
    assert steps == [("double/0/compute", 1, "done"), ("double/0", 1, "done"), ("double/1", 1, "failed")]
    answer = api.post(f"/api/calls/{job.pk}/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "Queued")
    assert run(job).state == State.DEAD
    assert list(job.steps.values_list("name", "attempt", "outcome")) == [*steps[:2], ("double/1", 2, "failed")]
    assert_problem(api.post(f"/api/calls/{called(owner, 1).pk}/retry"), 409, "not-failed")


def test_a_call_is_canceled_and_then_deleted_with_its_steps_and_result(api: APIClient, owner: User) -> None:
    active = ordered(owner, 1)
    answer = api.delete(f"/api/calls/{active.pk}")
    assert (answer.status_code, answer.json()["status"]) == (202, "Canceled")
    job = called(owner, 5)
    assert api.delete(f"/api/calls/{job.pk}").status_code == 204
    assert_problem(api.get(f"/api/calls/{job.pk}"), 404, "not-found")
    job.refresh_from_db()
    assert (job.result, job.steps.exists(), job.owner) == ({}, False, None)


def test_the_detail_shows_the_order_without_its_secrets(api: APIClient, owner: User) -> None:
    body = api.get(f"/api/calls/{called_for_text(owner, 3, token='hush').pk}").json()
    assert body["parameters"] == {"length": 3, "letter": "x", "token": "***"}
    assert [event["event"] for event in body["timeline"]] == ["submitted", "started", "completed"]


def test_the_types_are_listed_with_the_schema_of_their_parameters_but_without_hosts(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(CALL_TYPES.find("doubles")), "hosts", {"doubler.example": Host(in_flight=2)})
    listed = {body["identifier"]: body for body in api.get("/api/call-types").json()["results"]}
    one = api.get("/api/call-types/doubles").json()
    assert one == listed["doubles"]
    assert one.keys() == {"identifier", "title", "description", "parameters", "url"}
    assert one["parameters"]["properties"].keys() == {"numbers", "keep_failures"}
    assert "doubler.example" not in str(listed)
    assert_problem(api.get("/api/call-types/nonsense"), 404, "not-found")


def test_my_calls_are_listed_by_type_and_nobody_elses(api: APIClient, owner: User) -> None:
    first, second = ordered(owner, 1), called_for_text(owner, 1)
    called(User.objects.create_user("stranger"), 1)
    assert [body["id"] for body in api.get("/api/calls").json()["results"]] == [str(second.pk), str(first.pk)]
    [listed] = api.get("/api/calls?callType=text").json()["results"]
    assert (listed["callType"], listed["parameters"]["length"]) == ("text", 1)
    assert_problem(api.get("/api/calls?reportType=text"), 400, "invalid-request")


REUSING = {**DOUBLES, "reuse": True}


@pytest.mark.parametrize("large", [False, True])
def test_a_complete_call_is_reused_on_request(large: bool, api: APIClient, owner: User) -> None:
    first = called_for_text(owner, 300_000) if large else called(owner, 1, 2, 3)
    body = {"callType": "text", "parameters": {"length": 300_000}, "reuse": True} if large else REUSING
    answer = order(api, body)
    assert (answer.status_code, answer["Call-Reused"], answer.json()["id"]) == (202, "true", str(first.pk))
    assert answer.json()["status"] == "Complete"
    Artifact.objects.filter(role="result").update(expires_at=Now())
    assert ("Call-Reused" in order(api, body)) is not large


@pytest.mark.parametrize(
    "change",
    [
        lambda: Job.objects.update(state=State.DEAD),
        lambda: Job.objects.update(state=State.CANCELLED),
        lambda: Job.objects.update(owner=User.objects.create_user("stranger")),
        lambda: Job.objects.update(created_at=Now() - timedelta(minutes=61)),
    ],
    ids=["failed", "canceled", "a stranger's", "too old"],
)
def test_what_is_of_no_use_is_not_reused(change: Callable[[], None], api: APIClient, owner: User) -> None:
    called(owner, 1, 2, 3)
    change()
    assert "Call-Reused" not in order(api, REUSING)


def test_a_list_takes_as_many_queries_for_many_calls_as_for_one(api: APIClient, owner: User) -> None:
    def asked(count: int) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get("/api/calls").json()["results"]) == count
        return [query["sql"] for query in queries if "jobs_job" in (query["sql"] or "")]

    called(owner, 1)
    for_one = asked(1)
    for number in range(4):
        called(owner, number)
    called_for_text(owner, 300_000)
    assert len(asked(6)) == len(for_one) == 1, for_one


def test_a_status_takes_few_queries(api: APIClient, owner: User) -> None:
    jobs = [ordered(owner, 1), called(owner, 1), called(owner, 19), called(owner, 13), called_for_text(owner, 300_000)]
    counts = []
    for job in jobs:
        with CaptureQueriesContext(connection) as asked:
            status(api, job)
        counts.append(len(asked))
    assert counts == [4, 1, 3, 1, 1]


def test_the_types_of_a_file_schema_are_those_of_this_app() -> None:
    assert {one.identifier for one in CALL_TYPES.all()} >= {"doubles", "text"}


def test_a_stranger_gets_404_everywhere(owner: User) -> None:
    job, stranger = called(owner, 1), client_of(User.objects.create_user("stranger"))
    for path in ("", "/status", "/result", "/steps"):
        assert_problem(stranger.get(f"/api/calls/{job.pk}{path}"), 404, "not-found")
