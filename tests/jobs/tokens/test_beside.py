"""A request with a token that reads one job: one statement to PostgreSQL, one script to Redis."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from jobs.http.counters import ask_redis
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.tokens import bearer_of, client_of

pytestmark = pytest.mark.django_db

PATHS = ("/api/reports/{}/status", "/api/operations/{}")
PAYLOAD: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}


@pytest.fixture
def complete(make_job: Callable[..., Job]) -> Job:
    job = make_job(kind="report", state=State.SUCCEEDED, finished_at=timezone.now(), payload=PAYLOAD)
    Artifact.objects.create(
        job=job, role="result", storage_name="a", filename="a.csv", content_type="text/csv", encoding="utf-8",
        row_count=7, size_bytes=1, sha256="0" * 64, published_at=timezone.now(),
    )  # fmt: skip
    return job


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What goes to Redis."""
    monkeypatch.setattr("jobs.http.counters._silent_until", 0.0)
    packets: list[object] = []
    send: Any = redis.Connection.send_packed_command

    def noted(self: redis.Connection, command: Any, check_health: bool = True) -> None:
        packets.append(command)
        send(self, command, check_health)

    monkeypatch.setattr(redis.Connection, "send_packed_command", noted)
    return packets


@pytest.mark.parametrize("path", PATHS)
def test_the_status_of_an_ended_job_is_one_trip_to_each_server(
    path: str, owner: User, complete: Job, django_assert_num_queries: DjangoAssertNumQueries, sent: list[object]
) -> None:
    client = client_of(owner)
    assert client.get("/api/reports").status_code == 200  # the use of the token is noted; the script is known
    client.get(path.format(complete.pk))
    sent.clear()
    with django_assert_num_queries(1):
        answer = client.get(path.format(complete.pk))
    assert answer.status_code == 200
    assert len(sent) == 1
    in_session = APIClient()
    in_session.force_login(owner)
    assert answer.json() == in_session.get(path.format(complete.pk)).json()


@pytest.mark.parametrize("path", PATHS)
def test_a_poll_is_two_trips_to_redis(path: str, owner: User, make_job: Callable[..., Job], sent: list[object]) -> None:
    job = make_job(kind="report", state=State.RUNNING, started_at=timezone.now(), payload=PAYLOAD)
    client = client_of(owner)
    assert client.get(path.format(job.pk)).status_code == 200
    sent.clear()
    answer = client.get(path.format(str(job.pk).upper()))
    assert '"polling";r=2;' in answer["RateLimit"], "one bucket, however the id is written"
    assert len(sent) == 2


def test_scripts_that_redis_has_forgotten_are_sent_again(owner: User, complete: Job, sent: list[object]) -> None:
    client = client_of(owner)
    client.get(PATHS[0].format(complete.pk))
    ask_redis(lambda valkey: valkey.script_flush())
    assert '"requests";r=5998;' in client.get(PATHS[0].format(complete.pk))["RateLimit"]


@pytest.mark.parametrize("path", PATHS)
def test_the_job_of_another_user_is_not_found(
    path: str, complete: Job, django_user_model: type[User], django_assert_num_queries: Any
) -> None:
    stranger = client_of(django_user_model.objects.create(username="stranger"))
    answers = [stranger.get(path.format(pk)) for pk in (complete.pk, uuid4(), "x")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    with django_assert_num_queries(1):
        stranger.get(path.format(complete.pk))


def test_a_job_of_another_kind_is_not_found(owner: User, make_job: Callable[..., Job]) -> None:
    job = make_job(kind="upload", state=State.CANCELLED)
    assert client_of(owner).get(PATHS[0].format(job.pk)).status_code == 404


def test_a_job_is_read_only_for_a_token_that_is_valid_and_has_the_scope(owner: User, complete: Job) -> None:
    client, path = APIClient(), PATHS[0].format(complete.pk)
    for bearer, status in ((bearer_of(owner, "uploads:read"), 403), ("wrong", 401)):
        assert client.get(path, headers={"Authorization": f"Bearer {bearer}"}).status_code == status
