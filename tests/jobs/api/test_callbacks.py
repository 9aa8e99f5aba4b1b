"""The callback API: mine, and nobody else's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient
from standardwebhooks.webhooks import Webhook
from uuid_utils.compat import uuid7

from jobs.models import Attempt, CallbackEndpoint, Job, Queue
from jobs.outbound.urls import bucket_of
from jobs.states import Outcome, State
from jobs.webhooks.default_url import default_url
from jobs.webhooks.endpoints import disable_endpoint
from jobs.webhooks.signing import signed_headers, signing_secrets
from tests.support.tokens import client_of

pytestmark = pytest.mark.django_db

URL = "https://example.com/hook?key=s3cret"


@pytest.fixture
def eve(db: None) -> APIClient:
    """Somebody else."""
    return client_of(User.objects.create_user("eve"))


@pytest.fixture
def delivery(owner: User) -> Callable[..., Job]:
    def make(**values: Any) -> Job:
        body = {"type": "report.completed", "timestamp": "2026-01-02T03:04:05Z", "data": {"id": "7"}}
        defaults: dict[str, Any] = {
            "kind": "callback", "queue": "callbacks", "type": bucket_of(URL), "owner": owner, "max_attempts": 21,
            "payload": {"job": str(uuid7()), "url": URL, "host": "example.com", "message": "msg_1", "body": body},
        }  # fmt: skip
        return Job.objects.create(**{**defaults, **values})

    return make


def test_the_settings_are_mine_and_can_be_taken_back(api: APIClient, eve: APIClient, owner: User) -> None:
    assert api.get("/api/callbacks/settings").json() == {"callbackURL": None}
    put = api.put("/api/callbacks/settings", {"callbackURL": "https://EXAMPLE.com"}, format="json")
    assert (put.status_code, put.json()) == (200, {"callbackURL": "https://example.com/"})
    assert api.get("/api/callbacks/settings").json() == {"callbackURL": "https://example.com/"}
    assert eve.get("/api/callbacks/settings").json() == {"callbackURL": None}
    assert api.put("/api/callbacks/settings", {"callbackURL": None}, format="json").json() == {"callbackURL": None}
    assert default_url(owner) is None


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "hook", "", 7, ["https://example.com/"]])
def test_a_url_that_is_not_allowed_is_pointed_at(url: Any, api: APIClient) -> None:
    for answer in (
        api.put("/api/callbacks/settings", {"callbackURL": url}, format="json"),
        api.post("/api/callbacks/test", {"callbackURL": url}, format="json"),
    ):
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/callbackURL"]
    assert not Job.objects.exists()


def test_settings_without_a_url_are_pointed_at(api: APIClient) -> None:
    answer = api.put("/api/callbacks/settings", {}, format="json")
    assert answer.json()["errors"] == [{"pointer": "#/callbackURL", "detail": "This field is required."}]


def test_a_secret_is_shown_once_and_signs(api: APIClient, eve: APIClient, owner: User) -> None:
    made = api.post("/api/callbacks/secrets")
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    body = made.json()
    assert (body["signsUntil"], body["signs"]) == (None, True)
    assert signing_secrets(owner.pk) == [body["secret"]]
    again = api.post("/api/callbacks/secrets").json()
    listed = api.get("/api/callbacks/secrets")
    assert [row["id"] for row in listed.json()["results"]] == [again["id"], body["id"]]
    assert listed.json()["results"][0]["signsUntil"] is None
    assert listed.json()["results"][1]["signsUntil"] is not None
    assert "whsec_" not in listed.content.decode()
    assert eve.get("/api/callbacks/secrets").json() == {"results": []}
    headers = signed_headers(signing_secrets(owner.pk), message_id="msg_1", at=datetime.now(UTC), body="{}")
    for secret in (body["secret"], again["secret"]):
        assert Webhook(secret).verify("{}", headers) == {}


def test_a_secret_whose_key_is_gone_says_so(api: APIClient, settings: Settings) -> None:
    api.post("/api/callbacks/secrets")
    settings.SECRET_KEY = "another"
    assert [row["signs"] for row in api.get("/api/callbacks/secrets").json()["results"]] == [False]


def test_deliveries_are_listed_newest_first_in_pages_at_a_constant_price(
    api: APIClient, eve: APIClient, delivery: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [delivery() for _ in range(5)]
    with django_assert_num_queries(3):  # the token with its user, the page
        first = api.get("/api/callbacks?limit=3").json()
    assert [row["id"] for row in first["results"]] == [str(job.pk) for job in jobs[:1:-1]]
    assert [row["id"] for row in api.get(first["next"]).json()["results"]] == [str(job.pk) for job in jobs[1::-1]]
    assert eve.get("/api/callbacks").json()["results"] == []
    assert api.get("/api/callbacks?cursor=nonsense").status_code == 404


def test_a_delivery_tells_what_it_sends_and_what_came_of_each_try(
    api: APIClient, delivery: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    error = {"code": "retryable-error", "detail": "The receiver answered 500 Internal Server Error.", "retryable": True}
    job = delivery(state=State.FAILED, retry_at=Now(), attempt_count=1, fencing_token=1, result={"error": error})
    Attempt.objects.create(
        job=job, number=1, fencing_token=1, worker="w", finished_at=Now(), outcome=Outcome.FAILED,
        conditions={"httpStatus": 500, "milliseconds": 12}, error_message="with an excerpt", traceback="internals",
    )  # fmt: skip
    api.get("/api/callbacks")  # the use of the token is noted, once a minute
    with django_assert_num_queries(4):  # the token with its user, the job, its kind's past, its attempts
        answer = api.get(f"/api/callbacks/{job.pk}")
    assert "Retry-After" in answer
    body = answer.json()
    assert (body["status"], body["eventType"], body["messageID"]) == ("In Progress", "report.completed", "msg_1")
    assert (body["callbackURL"], body["jobID"], body["attempt"]) == (URL, job.payload["job"], 1)
    assert body["retryAt"] is not None
    assert (body["error"]["code"], body["error"]["detail"]) == (error["code"], error["detail"])
    assert body["body"] == job.payload["body"]
    [attempt] = body["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["httpStatus"], attempt["milliseconds"]) == (
        1, "failed", 500, 12
    )  # fmt: skip
    assert "excerpt" not in answer.content.decode()
    assert "internals" not in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "word"),
    [(State.QUEUED, "Queued"), (State.SUCCEEDED, "Complete"), (State.DEAD, "Failed"), (State.CANCELLED, "Canceled")],
)
def test_the_words_of_a_delivery(state: State, word: str, api: APIClient, delivery: Callable[..., Job]) -> None:
    assert api.get(f"/api/callbacks/{delivery(state=state).pk}").json()["status"] == word


def test_a_delivery_that_waits_for_its_host_says_until_when(api: APIClient, delivery: Callable[..., Job]) -> None:
    body = api.get(f"/api/callbacks/{delivery(scheduled_at=Now(), due=False).pk}").json()
    assert (body["status"], body["retryAt"] is not None) == ("Queued", True)


def test_a_running_delivery_that_is_to_end_is_canceling(api: APIClient, delivery: Callable[..., Job]) -> None:
    job = delivery(state=State.RUNNING, cancel_requested_at=Now())
    assert api.get(f"/api/callbacks/{job.pk}").json()["status"] == "Canceling"


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
def test_what_has_ended_is_replayed_as_the_same_message(
    state: State, api: APIClient, delivery: Callable[..., Job], owner: User
) -> None:
    job = delivery(state=state)
    answer = api.post(f"/api/callbacks/{job.pk}/replay")
    assert answer.status_code == 202
    replayed = Job.objects.get(pk=answer.json()["id"])
    assert replayed.pk != job.pk
    assert (replayed.payload, replayed.owner, replayed.state) == (job.payload, owner, State.QUEUED)
    job.refresh_from_db()
    assert job.state == state


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED])
def test_what_has_not_ended_is_not_replayed(state: State, api: APIClient, delivery: Callable[..., Job]) -> None:
    answer = api.post(f"/api/callbacks/{delivery(state=state).pk}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-ended")
    assert Job.objects.count() == 1


def test_a_replay_is_refused_where_the_queue_is_closed(api: APIClient, delivery: Callable[..., Job]) -> None:
    Queue.objects.filter(name="callbacks").update(accepting=False)
    answer = api.post(f"/api/callbacks/{delivery(state=State.DEAD).pk}/replay")
    assert (answer.status_code, answer.json()["code"]) == (503, "queue-full")


def test_a_test_is_delivered_to_where_the_settings_or_the_request_say(api: APIClient) -> None:
    answer = api.post("/api/callbacks/test", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "no-callback-url")
    api.put("/api/callbacks/settings", {"callbackURL": URL}, format="json")
    for body, url in (({}, URL), ({"callbackURL": "https://other.example.com/"}, "https://other.example.com/")):
        answer = api.post("/api/callbacks/test", body, format="json")
        assert (answer.status_code, answer.json()["callbackURL"]) == (202, url)
        assert (answer.json()["eventType"], answer.json()["jobID"]) == ("callback.test", None)


def test_a_disabled_endpoint_is_listed_and_enabled_once(api: APIClient, eve: APIClient, owner: User) -> None:
    disable_endpoint(owner.pk, URL, reason="The receiver answered 410 Gone.")
    [row] = api.get("/api/callbacks/endpoints").json()["results"]
    assert (row["callbackURL"], row["reason"]) == (URL, "The receiver answered 410 Gone.")
    assert row["disabledAt"] is not None
    assert eve.get("/api/callbacks/endpoints").json()["results"] == []
    enabled = api.post(f"/api/callbacks/endpoints/{row['id']}/enable")
    assert (enabled.status_code, enabled.json()["disabledAt"]) == (200, None)
    again = api.post(f"/api/callbacks/endpoints/{row['id']}/enable")
    assert (again.status_code, again.json()["code"]) == (409, "not-disabled")
    disable_endpoint(owner.pk, URL, reason="The receiver answered 410 Gone.")
    assert CallbackEndpoint.objects.get().disabled_at is not None


def test_somebody_elses_id_answers_as_an_unknown_one(eve: APIClient, delivery: Callable[..., Job], owner: User) -> None:
    job = delivery(state=State.DEAD)
    disable_endpoint(owner.pk, URL, reason="r")
    endpoint = CallbackEndpoint.objects.get().pk
    unknown = uuid7()
    for method, path, mine in (
        ("get", "/api/callbacks/{}", job.pk),
        ("post", "/api/callbacks/{}/replay", job.pk),
        ("post", "/api/callbacks/endpoints/{}/enable", endpoint),
    ):
        answers = [getattr(eve, method)(path.format(pk)) for pk in (mine, unknown, "nonsense")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({answer.content for answer in answers}) == 1
    assert CallbackEndpoint.objects.get().disabled_at is not None
    assert Job.objects.count() == 1


def test_a_job_of_another_kind_is_no_delivery(api: APIClient, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.DEAD)
    assert api.get(f"/api/callbacks/{job.pk}").status_code == 404
    assert api.post(f"/api/callbacks/{job.pk}/replay").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["", "/settings", "/secrets", "/endpoints", f"/{uuid7()}"],
    ids=["list", "settings", "secrets", "endpoints", "one"],
)
def test_who_is_not_signed_in_is_told_so(path: str, db: None) -> None:
    assert APIClient().get(f"/api/callbacks{path}").status_code == 401
