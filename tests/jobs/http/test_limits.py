"""How often a client may ask."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.http.limits import (
    POLLS_PER_WINDOW,
    PREFIX,
    Limit,
    ask_whether_early,
    count_poll,
    count_request,
    limit_headers,
)
from jobs.models import Job
from jobs.states import State
from tests.support.ordering import ORDER, post
from tests.support.tokens import client_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db

PATHS = ("/api/reports/{}/status", "/api/reports/{}", "/api/operations/{}")


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage that another test made is over."""
    monkeypatch.setattr("jobs.http.counters._silent_until", 0.0)


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture
def running(make_job: Callable[..., Job]) -> Job:
    payload: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}
    return make_job(kind="report", state=State.RUNNING, started_at=timezone.now(), payload=payload)


def test_requests_are_counted_within_a_window(valkey: redis.Redis) -> None:
    client = uuid4().hex
    answers = [count_request(client, quota=2, window_seconds=60) for _ in range(3)]
    assert [answer and (answer.allowed, answer.limit.remaining) for answer in answers] == [
        (True, 1),
        (True, 0),
        (False, 0),
    ]
    assert 0 < valkey.ttl(f"{PREFIX}requests:{client}") <= 60
    valkey.pexpire(f"{PREFIX}requests:{client}", 1)
    wait_until(lambda: not valkey.exists(f"{PREFIX}requests:{client}"), message="the window ends")
    again = count_request(client, quota=2, window_seconds=60)
    assert again is not None
    assert (again.allowed, again.limit.remaining) == (True, 1)


def test_four_polls_are_free_in_each_window(valkey: redis.Redis) -> None:
    question = uuid4().hex
    for remaining in (3, 2, 1, 0):
        assert ask_whether_early(question) is None
        limit = count_poll(question, window_seconds=40)
        assert (limit.quota, limit.window_seconds, limit.remaining) == (4, 40, remaining)
    assert 9 < limit.seconds <= 10
    early = ask_whether_early(question)
    assert early is not None
    assert (early.quota, early.window_seconds, early.remaining, early.retry_after) == (4, 40, 0, 10)
    valkey.pexpire(PREFIX + question, 30_000 - 1)  # as if 10 s had passed
    assert ask_whether_early(question) is None
    assert count_poll(question, window_seconds=40).remaining == 0


def test_who_polls_at_the_time_that_was_told_is_never_early(valkey: redis.Redis) -> None:
    question = uuid4().hex
    for told in (60, 60, 1, 7, 60, 1):
        for _ in range(4):
            count_poll(question, window_seconds=told)
        left = valkey.pttl(PREFIX + question)
        assert left <= 1000 * told, "after the time that was told last the bucket is full"


def test_the_fields_are_structured_lists() -> None:
    limits = [Limit("requests", 600, 60, 599, 12.3), Limit("polling", 1, 5, 0, 0.01)]
    assert limit_headers(limits) == {
        "RateLimit-Policy": '"requests";q=600;w=60, "polling";q=1;w=5',
        "RateLimit": '"requests";r=599;t=13, "polling";r=0;t=1',
    }
    assert limit_headers([]) == {}


def test_without_redis_everything_is_allowed_and_it_is_left_alone_for_a_while(
    settings: Settings, valkey: redis.Redis
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = uuid4().hex
    assert count_request(client, quota=1, window_seconds=60) is None
    settings.REDIS_URL = os.environ["REDIS_URL"]
    assert count_request(client, quota=1, window_seconds=60) is None
    assert not valkey.exists(f"{PREFIX}requests:{client}")
    assert ask_whether_early(client) is None
    assert count_poll(client, window_seconds=8) == Limit("polling", 4, 8, 3, 2)


#: What the service never writes into these keys. Redis may be shared, restored from a backup, or edited by hand.
GARBAGE: dict[str, Callable[[redis.Redis, str], object]] = {
    "a text": lambda client, name: client.set(name, "soon", ex=60),
    "a text for ever": lambda client, name: client.set(name, "soon"),
    "a number for ever": lambda client, name: client.set(name, "1000"),
    "a long number": lambda client, name: client.set(name, "9" * 5000, ex=60),
    "a negative number": lambda client, name: client.set(name, "-3", ex=60),
    "bytes": lambda client, name: client.set(name, b"\xff\x00", ex=60),
    "a list": lambda client, name: client.rpush(name, "1"),
    "a hash": lambda client, name: client.hset(name, "a", "1"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_redis_makes_no_question_an_error(
    garbage: str, api: APIClient, running: Job, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = PATHS[0].format(running.pk)
    monkeypatch.setattr("jobs.api.polling.retry_after", lambda *_: 60)  # the window outlasts the test
    assert api.get(path).status_code == 200
    [name] = map(os.fsdecode, valkey.keys(f"{PREFIX}polling:status:{running.pk}:*"))
    valkey.delete(name)
    GARBAGE[garbage](valkey, name)
    answers = [api.get(path) for _ in range(POLLS_PER_WINDOW)]
    assert {answer.status_code for answer in answers} == {200}
    assert '"polling";r=0;' in answers[-1]["RateLimit"], "the count has replaced the garbage"


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_redis_makes_no_client_wait_for_ever(garbage: str, valkey: redis.Redis) -> None:
    client = uuid4().hex
    name = f"{PREFIX}requests:{client}"
    GARBAGE[garbage](valkey, name)
    for remaining in (1, 0):
        counted = count_request(client, quota=2, window_seconds=60)
        assert counted is not None
        assert (counted.allowed, counted.limit.remaining) == (True, remaining)
    assert 0 < valkey.ttl(name) <= 60


def test_a_token_has_so_many_requests_a_minute(api: APIClient, owner: User, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    for left in (1, 0):
        answer = api.get("/api/report-types")
        assert answer.status_code == 200
        assert answer["RateLimit-Policy"] == '"requests";q=2;w=60'
        assert answer["RateLimit"] in (f'"requests";r={left};t=60', f'"requests";r={left};t=59')
    answer = api.get("/api/report-types")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer["Retry-After"] in ("59", "60")
    assert answer["RateLimit"].startswith('"requests";r=0;')
    assert client_of(owner).get("/api/report-types").status_code == 200


def test_no_limit_is_no_limit(api: APIClient, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    assert "RateLimit" not in api.get("/api/report-types")


@pytest.mark.parametrize("path", PATHS)
def test_polling_much_faster_than_told_is_429_until_retry_after_is_over(
    path: str, api: APIClient, running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path.format(running.pk)
    monkeypatch.setattr("jobs.api.polling.retry_after", lambda *_: 4)
    first = api.get(path)
    assert (first.status_code, first["Retry-After"]) == (200, "4")
    assert first["RateLimit-Policy"] == '"requests";q=6000;w=60, "polling";q=4;w=4'
    assert first["RateLimit"].endswith('"polling";r=3;t=1')
    answers = [api.get(path) for _ in range(4)]
    early = answers[-1]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert early["Content-Type"] == "application/problem+json"
    assert early.json()["code"] == "polling-too-fast"
    assert early["Retry-After"] == "1"
    assert early["RateLimit"].endswith('"polling";r=0;t=1')
    wait_until(lambda: api.get(path).status_code == 200, timeout=3, every=1, message="the time is over")


@pytest.mark.parametrize("path", PATHS)
def test_a_client_that_restores_its_state_and_a_second_tab_are_answered(
    path: str, api: APIClient, running: Job
) -> None:
    for _ in range(3):
        assert api.get(path.format(running.pk)).status_code == 200


def test_another_token_and_another_question_have_a_quota_of_their_own(
    api: APIClient, owner: User, running: Job
) -> None:
    for client in (api, client_of(owner)):
        for path in PATHS:
            assert client.get(path.format(running.pk)).status_code == 200


def test_a_job_that_has_ended_may_be_asked_for_at_once(api: APIClient, running: Job) -> None:
    path = PATHS[0].format(running.pk)
    assert api.get(path).status_code == 200
    Job.objects.update(state=State.CANCELLED)
    for _ in range(3):
        answer = api.get(path)
        assert (answer.status_code, "Retry-After" in answer) == (200, False)


@pytest.mark.parametrize("action", ["cancel", "retry", "repeat"])
def test_after_a_202_its_own_retry_after_counts(action: str, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    job, other = (post(api, ORDER, headers={"Idempotency-Key": key}).json()["id"] for key in ("k", "other"))
    monkeypatch.setattr("jobs.api.polling.retry_after", lambda *_: 60)
    for path in PATHS:
        for job_id in (job, other):
            assert {api.get(path.format(job_id))["Retry-After"] for _ in range(POLLS_PER_WINDOW)} == {"60"}
    monkeypatch.setattr("jobs.api.polling.retry_after", lambda *_: 1)
    match action:
        case "cancel":
            Job.objects.update(state=State.RUNNING)
            answer = api.delete(f"/api/reports/{job}")
        case "retry":
            Job.objects.filter(pk=job).update(state=State.DEAD)
            answer = api.post(f"/api/reports/{job}/retry")
        case _:
            answer = post(api, ORDER, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer["Retry-After"]) == (202, "1")
    assert answer["Location"] == PATHS[0].format(job)
    for path in PATHS:
        assert api.get(path.format(job)).status_code == 200
        assert api.get(path.format(other)).status_code == 429, "its time goes on"


def test_somebody_elses_job_is_unknown_however_often_one_asks(running: Job) -> None:
    stranger = client_of(User.objects.create_user("stranger"))
    for _ in range(3):
        assert stranger.get(PATHS[0].format(running.pk)).status_code == 404
