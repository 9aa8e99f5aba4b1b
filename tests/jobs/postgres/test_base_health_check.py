"""When a request asks whether its connection still works, and how it notices without asking."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from jobs.models import Queue
from jobs.postgres import base
from jobs.postgres.base import DatabaseWrapper, is_quiet
from tests.support.outages import locked
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """The result of each round trip that checked a connection, which is new."""
    connection.close()
    results: list[bool] = []
    is_usable = DatabaseWrapper.is_usable

    def noted(self: DatabaseWrapper) -> bool:
        results.append(is_usable(self))
        return results[-1]

    monkeypatch.setattr(DatabaseWrapper, "is_usable", noted)
    yield results
    connection.close()


def request() -> None:
    """What a request does first and last, around a query."""
    connection.close_if_unusable_or_obsolete()
    Queue.objects.exists()
    connection.close_if_unusable_or_obsolete()


def test_a_connection_is_asked_once_in_five_seconds(checks: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        request()
    assert checks == [True]
    monkeypatch.setattr(base, "TRUSTED_SECONDS", 0.0)
    request()
    assert checks == [True, True]


def test_a_session_that_was_ended_is_noticed_without_asking_while_it_is_trusted(checks: list[bool]) -> None:
    request()
    request()
    session: psycopg.Connection = connection.connection
    pid = session.info.backend_pid
    with locked(f"SELECT pg_terminate_backend({pid})"):
        pass
    wait_until(lambda: not is_quiet(session), message="the end of the session arrives")
    request()
    assert connection.connection.info.backend_pid != pid
    assert checks == [True, False], "asked because of what had arrived"
