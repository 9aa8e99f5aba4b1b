"""Health: what is down is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
import requests
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection, connections
from django.db.models.functions import Now
from django.test import Client
from django_celery_beat.models import PeriodicTask
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.dispatch.presence import renew
from jobs.dispatch.publish_failures import keep_failure
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Queue, Sweep, Worker
from tests.support.outages import valkey_killed
from tests.support.servers import throw_away
from tests.support.stack import METRICS_TOKEN, Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

#: A probe by the address of a container, with a cookie of whoever else listens there.
STRANGE = {"Host": "10.1.2.3:8000", "Cookie": "sessionid=12345678"}


def test_livez_asks_nobody(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/livez", headers=STRANGE)
    assert (response.status_code, response.content) == (200, b"ok\n")


def readyz(live_url: str) -> tuple[int, dict[str, Any]]:
    response = requests.get(f"{live_url}/readyz", headers=STRANGE, timeout=10)
    return response.status_code, response.json()


READY = (200, {"status": "ok", "checks": {"web": "ok", "database": "ok"}})
NOT_READY = (503, {"status": "unavailable", "checks": {"web": "ok", "database": "unavailable"}})


@pytest.mark.django_db(transaction=True)
def test_a_web_server_is_ready_without_redis_and_without_workers(live_url: str) -> None:
    assert readyz(live_url) == READY
    with valkey_killed():
        assert readyz(live_url) == READY


@contextmanager
def database_closed(name: str) -> Iterator[None]:
    """Nobody can connect to the database, and who was connected is not any more."""
    connections.close_all()
    with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_readyz_names_the_database_when_it_lets_nobody_in(live_url: str, database_url: str) -> None:
    wait_until(lambda: readyz(live_url) == READY, message="all is well")
    with database_closed(str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])):
        wait_until(lambda: readyz(live_url) == NOT_READY, message="the database is named, and only it")
    wait_until(lambda: readyz(live_url) == READY, message="all is well again")


TOKEN = "of-whoever-asks-for-health"
WITH_TOKEN = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def with_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def all_is_well(transactional_db: None, with_token: None, settings: Settings) -> None:
    """Beat has rung and each sweep has run just now, and a worker consumes all queues."""
    renew("all@here", settings.QUEUE_NAMES, begins=True)
    PeriodicTask.objects.update(last_run_at=Now())
    for name in SWEEPS:
        Sweep.objects.update_or_create(name=name, defaults={"last_started_at": Now(), "last_finished_at": Now()})


def healthz(client: Client) -> tuple[int, dict[str, list[str]]]:
    """The status code, and what is wrong by the name of the check."""
    response = client.get("/healthz", headers=WITH_TOKEN)
    checks = response.json()["checks"]
    assert response.json()["status"] == ("ok" if response.status_code == 200 else "unavailable")
    return response.status_code, {name: said["problems"] for name, said in checks.items() if said["status"] != "ok"}


@pytest.mark.slow
def test_healthz_is_200_while_all_is_well_and_asks_no_worker(
    client: Client, all_is_well: None, settings: Settings, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(20):
        response = client.get("/healthz", headers=WITH_TOKEN)
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {
            name: {"status": "ok"}
            for name in (
                "database", "redis", "workers", "queues", "beat", "sweeps", "schedules", "replica", "storage",
            )
        },
        "workers": [{"name": "all@here", "queues": sorted(settings.QUEUE_NAMES), "secondsSinceSeen": ANY}],
    }  # fmt: skip


def test_healthz_is_for_the_token_and_for_staff(client: Client, all_is_well: None, owner: User) -> None:
    assert client.get("/healthz").status_code == 401
    assert client.get("/healthz", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/healthz", headers={"authorization": f"Bearer {bearer_of(owner)}"}).status_code == 401
    client.force_login(owner)
    assert client.get("/healthz").status_code == 401
    owner.is_staff = True
    owner.save()
    assert client.get("/healthz").status_code == 401
    owner.groups.add(Group.objects.get(name="viewer"))
    assert client.get("/healthz").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_staff_whose_session_cannot_be_looked_up_are_told_of_the_database_in_json(
    path: str, client: Client, owner: User
) -> None:
    def lost(*_: object) -> None:
        raise OperationalError("the connection is lost")

    client.force_login(owner)
    client.raise_request_exception = False
    with connection.execute_wrapper(lost):
        answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert (answer.json()["code"], answer["Retry-After"]) == ("database-unavailable", "5")


def test_healthz_names_each_thing_that_is_wrong(client: Client, all_is_well: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    Queue.objects.create(name="team-a")
    PeriodicTask.objects.filter(name="jobs.count_activity").update(headers="[]")
    PeriodicTask.objects.update(last_run_at=Now() - timedelta(hours=1))
    Sweep.objects.filter(name="prune_jobs").update(last_error="OSError()")
    keep_failure("uploads", ValueError("odd"))
    code, wrong = healthz(client)
    [redis] = wrong.pop("redis")
    assert code == 503
    assert redis.startswith("Redis does not answer: ")
    assert wrong == {
        "queues": [
            "The settings do not name the queue team-a: its jobs cannot run.",
            "Jobs in the queue uploads cannot be handed to workers: ValueError.",
        ],
        "beat": ["Beat has sent nothing for 1 h."],
        "sweeps": ["The sweep prune_jobs fails: OSError()"],
        "schedules": ["Beat skips the schedule jobs.count_activity."],
    }


def test_healthz_tells_of_the_database_alone_what_it_knows_without_it(live_url: str, database_url: str) -> None:
    def wrong() -> list[str]:
        asked = requests.get(f"{live_url}/healthz", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
        return sorted(name for name, said in asked.json()["checks"].items() if said["status"] != "ok")

    wait_until(lambda: "database" not in wrong(), message="the database answers")
    with database_closed(str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])):
        wait_until(lambda: wrong() == ["database"], message="the database is named, and nothing that stands in it")


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_that_it_is_there_until_it_is_not(
    client: Client, stack: Stack, with_token: None, settings: Settings
) -> None:
    settings.WORKER_PRESENCE_SECONDS = 1

    def present() -> dict[str, list[str]]:
        workers = client.get("/healthz", headers=WITH_TOKEN).json()["workers"]
        return {worker["name"].partition("@")[0]: worker["queues"] for worker in workers}

    there = {"other": ["reports", "uploads"]}
    with stack.running("worker-csv", as_name="other", WORKER_PRESENCE_SECONDS="1"):
        wait_until(lambda: present() == there, message="the worker is there")
        assert "No worker consumes the queue callbacks." in healthz(client)[1]["workers"]
        with valkey_killed():  # it lives, and consumes nothing
            wait_until(lambda: present() == {}, message="a worker without Redis is not there")
        wait_until(lambda: present() == there, message="it is there again")
        stack.kill("other")
        wait_until(lambda: present() == {}, message="a worker that was killed is not there")
        assert healthz(client)[1]["workers"][0].startswith("No worker consumes any queue. other@")
    with stack.running("worker-csv", as_name="other", WORKER_PRESENCE_SECONDS="1"):
        wait_until(lambda: present() == there, message="the next one is there")
    assert not Worker.objects.exists()  # one that is stopped says so
