"""Health: what is down is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests
from django.db import connections
from django.test import Client
from pytest_django import Settings

from tests.servers import throw_away
from tests.stack import WORKERS, Stack
from tests.waiting import wait_until


def test_livez_asks_nobody(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_readyz_is_200_when_database_redis_and_a_worker_answer(stack: Stack, live_url: str) -> None:
    fine = {"status": "ok", "checks": {"database": "ok", "redis": "ok", "worker": "ok"}}

    def is_ready() -> bool:
        response = requests.get(f"{live_url}/readyz", timeout=10)
        return (response.status_code, response.json()) == (200, fine)

    wait_until(is_ready, message="a worker answers within a second")


@pytest.mark.django_db
def test_readyz_names_what_is_down(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "redis": "unavailable", "worker": "unavailable"}


def readyz(live_url: str) -> tuple[int, dict[str, Any]]:
    response = requests.get(f"{live_url}/readyz", timeout=10)
    return response.status_code, response.json()["checks"]


def test_readyz_names_the_worker_when_none_consumes(stack: Stack, live_url: str) -> None:
    for name in WORKERS:
        stack.stop(name)
    assert readyz(live_url) == (503, {"database": "ok", "redis": "ok", "worker": "unavailable"})


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


def test_readyz_names_the_database_when_it_lets_nobody_in(stack: Stack, live_url: str, database_url: str) -> None:
    wait_until(lambda: readyz(live_url)[0] == 200, message="all is well")
    closed = (503, {"database": "unavailable", "redis": "ok", "worker": "ok"})
    with database_closed(str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])):
        wait_until(lambda: readyz(live_url) == closed, message="the database is named, and only it")
    wait_until(lambda: readyz(live_url)[0] == 200, message="all is well again")
