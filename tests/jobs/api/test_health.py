"""Health: what is down is named."""

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from tests.stack import Stack


def test_livez_asks_nobody(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_readyz_is_200_when_database_redis_and_a_worker_answer(stack: Stack, live_url: str) -> None:
    response = requests.get(f"{live_url}/readyz", timeout=10)
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "redis": "ok", "worker": "ok"}}
    assert response.status_code == 200


@pytest.mark.django_db
def test_readyz_names_what_is_down(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "redis": "unavailable", "worker": "unavailable"}
