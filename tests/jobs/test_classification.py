"""Errors by rule: what may pass is retried, what cannot is not."""

import errno

import psycopg
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection

from jobs.classification import Failure, classify
from jobs.errors import PermanentError, RetryableError, StalledError, UnknownKindError, WorkerLostError


def of_state(sqlstate: str) -> Failure:
    """As psycopg raises it, and Django wraps it."""
    try:
        try:
            raise psycopg.errors.lookup(sqlstate)("secret detail")
        except psycopg.Error as cause:
            raise DatabaseError("secret detail") from cause
    except DatabaseError as error:
        return classify(error)


@pytest.mark.parametrize(
    "sqlstate",
    [
        "08006",  # connection failure
        "23505",  # unique violation: another writer
        "40001",  # serialization failure, and a replica's recovery conflict
        "40P01",  # deadlock
        "53100",  # disk full
        "53300",  # too many connections
        "55P03",  # lock not available
        "57P01",  # admin shutdown
        "57P02",  # crash shutdown
        "57P03",  # cannot connect now
        "58030",  # I/O error
        "XX000",  # internal error
    ],
)
def test_what_may_pass_is_retryable(sqlstate: str) -> None:
    assert of_state(sqlstate) == Failure(
        permanent=False, code="database-error", detail="The database was not reachable, or ended the query."
    )


@pytest.mark.parametrize(
    "sqlstate",
    [
        "0A000",  # feature not supported
        "21000",  # cardinality violation
        "22012",  # division by zero
        "25006",  # read-only transaction
        "3D000",  # no such database
        "3F000",  # no such schema
        "42501",  # insufficient privilege
        "42601",  # syntax error
        "42703",  # undefined column
        "42P01",  # undefined table
        "54001",  # statement too complex
    ],
)
def test_what_the_same_statement_meets_again_is_permanent(sqlstate: str) -> None:
    failure = of_state(sqlstate)
    assert (failure.permanent, failure.code) == (True, "query-refused")
    assert "secret" not in failure.detail


def test_a_statement_timeout_may_pass() -> None:
    assert (of_state("57014").permanent, of_state("57014").code) == (False, "time-limit")


@pytest.mark.django_db
def test_a_real_error_of_postgresql_is_recognised_through_django() -> None:
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")
    assert classify(caught.value).code == "query-refused"


@pytest.mark.parametrize(
    ("error", "permanent", "code"),
    [
        (psycopg.OperationalError("the connection is lost"), False, "database-error"),
        (PermanentError("no", code="odd-row"), True, "odd-row"),
        (RetryableError("later"), False, "retryable-error"),
        (UnknownKindError("x"), True, "unknown-kind"),
        (WorkerLostError("gone"), False, "worker-lost"),
        (StalledError("no progress"), False, "stalled"),
        (SoftTimeLimitExceeded(), False, "time-limit"),
        (MemoryError(), False, "out-of-memory"),
        (OSError(errno.ENOSPC, "No space left on device"), False, "storage-full"),
        (OSError(errno.EDQUOT, "Quota exceeded"), False, "storage-full"),
        (OSError(errno.EIO, "Input/output error"), False, "internal-error"),
        (ValueError("secret"), False, "internal-error"),
    ],
)
def test_every_other_error(error: Exception, permanent: bool, code: str) -> None:
    failure = classify(error)
    assert (failure.permanent, failure.code) == (permanent, code)
    assert "secret" not in failure.detail


def test_the_owner_is_told_the_public_words() -> None:
    error = PermanentError("table x", code="odd", public="Ask again.")
    assert classify(error).as_result() == {"error": {"code": "odd", "detail": "Ask again.", "retryable": False}}
