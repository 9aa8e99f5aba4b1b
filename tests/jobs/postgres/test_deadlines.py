"""What a request that has waited in vain for PostgreSQL does next, and what it means for others."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from jobs.checks import check_request_timeout
from jobs.models import Queue
from jobs.postgres import deadlines
from jobs.postgres.base import GAVE_UP, bounded
from tests.support.outages import locked


@contextmanager
def bound_by(seconds: float) -> Iterator[None]:
    """As in a web server, where requests wait for so long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deadlines, "_process", deadlines._Process(request_seconds=seconds))
        patched.setattr(deadlines, "_thread", deadlines._Thread())
        yield


@pytest.fixture
def short_request(transactional_db: None) -> Iterator[None]:
    """With a session of its own."""
    connection.close()
    with bound_by(0.5):
        yield
    connection.close()


def test_a_lock_that_is_not_free_ends_this_request_and_refuses_no_other(short_request: None) -> None:
    with locked("LOCK TABLE jobs_queue"), pytest.raises(OperationalError, match="lock timeout"):
        Queue.objects.exists()
    with pytest.raises(OperationalError, match=GAVE_UP):
        Queue.objects.exists()
    assert not deadlines.is_away()
    deadlines._begin_request()
    assert Queue.objects.exists()


def test_silence_ends_this_request_and_refuses_those_that_wait(short_request: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        with pytest.raises(OperationalError, match=r"did not answer within 0\.5 seconds"):
            cursor.execute("SELECT pg_sleep(60)")
    connection.close()
    with pytest.raises(OperationalError, match=GAVE_UP):
        Queue.objects.exists()
    assert deadlines.is_away()


@pytest.mark.parametrize(
    ("params", "seconds"),
    [
        ({"host": "a"}, 4),
        ({}, 4),
        ({"host": "a", "connect_timeout": "0"}, 4),  # without a limit
        ({"host": "a", "connect_timeout": "3"}, 3),
        ({"host": "a,b", "connect_timeout": 5}, 2),  # of each
    ],
)
def test_a_connection_is_waited_for_within_the_bound(params: dict[str, object], seconds: int) -> None:
    with bound_by(5):
        assert bounded(params)["connect_timeout"] == seconds


@pytest.mark.parametrize("seconds", [0.0, 2.9, 3.0])
def test_a_bound_that_no_connection_keeps_is_an_error(seconds: float, settings: Settings) -> None:
    settings.REQUEST_DATABASE_TIMEOUT_SECONDS = seconds
    assert [error.id for error in check_request_timeout(None)] == ([] if seconds >= 3 else ["jobs.E007"])
