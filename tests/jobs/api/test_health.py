"""Health: what is down is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests
from django.db import connections
from django.test import Client

from tests.outages import valkey_killed
from tests.servers import throw_away
from tests.waiting import wait_until


def test_livez_asks_nobody(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")


def readyz(live_url: str) -> tuple[int, dict[str, Any]]:
    response = requests.get(f"{live_url}/readyz", timeout=10)
    return response.status_code, response.json()


READY = (200, {"status": "ok", "checks": {"web": "ok", "database": "ok"}})
NOT_READY = (503, {"status": "unavailable", "checks": {"web": "ok", "database": "unavailable"}})


@pytest.mark.xfail(strict=True, reason="while Redis is away no web server is ready, though all accept orders")
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


@pytest.mark.xfail(strict=True, reason="readiness is more than the database")
def test_readyz_names_the_database_when_it_lets_nobody_in(live_url: str, database_url: str) -> None:
    wait_until(lambda: readyz(live_url) == READY, message="all is well")
    with database_closed(str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])):
        wait_until(lambda: readyz(live_url) == NOT_READY, message="the database is named, and only it")
    wait_until(lambda: readyz(live_url) == READY, message="all is well again")
