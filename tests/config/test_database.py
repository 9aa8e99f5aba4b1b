"""A connection that is kept is looked at before it is used again, without a trip."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from config.database.base import DatabaseWrapper
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(transactional_db: None) -> Iterator[Any]:
    other = connection.copy()
    other.ensure_connection()
    yield other
    other.close()


def last_query(of: DatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid_of(of)])
        return str(cursor.fetchone()[0])


def pid_of(database: DatabaseWrapper) -> int:
    return int(database.connection.info.backend_pid)


def end(database: DatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid_of(database)])


def test_one_that_goes_on_is_not_asked(kept: Any) -> None:
    with kept.cursor() as cursor:
        cursor.execute("SELECT 'the last'")
    assert kept.is_usable()
    assert last_query(kept) == "SELECT 'the last'"


def test_after_an_error_it_is_asked(kept: Any) -> None:
    kept.errors_occurred = True
    assert kept.is_usable()
    assert last_query(kept) == "SELECT 1"


def test_one_that_the_server_has_ended_is_not_usable(kept: Any) -> None:
    end(kept)
    wait_until(lambda: not kept.is_usable(), message="the end is heard of")
    kept.connection.close()
    assert not kept.is_usable()


def test_a_request_has_another_where_its_own_was_ended(kept: Any) -> None:
    before = pid_of(kept)
    kept.health_check_enabled, kept.health_check_done = True, False  # as at the end of a request
    end(kept)
    wait_until(lambda: not kept.is_usable(), message="the end is heard of")
    with kept.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert pid_of(kept) != before
