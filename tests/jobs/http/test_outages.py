"""Which errors of PostgreSQL are the server's, and what is answered then."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from jobs.http.middleware import AnswerOutages
from jobs.http.outages import outage_response
from jobs.postgres.outages import is_outage

pytestmark = pytest.mark.django_db(transaction=True)


def error_of(statement: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as raised, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return raised.value


def raising(sqlstate: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{sqlstate}'; END $$"


@pytest.mark.parametrize(
    ("statement", "retry_after"),
    [
        ("SET LOCAL transaction_read_only = on; CREATE TABLE x ()", "5"),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)", "5"),
        (raising("53300"), "5"),  # too many connections
        (raising("57P03"), "5"),  # cannot connect now
        (raising("55P03"), "5"),  # lock not available
        (raising("40P01"), "1"),  # deadlock
        (raising("40001"), "1"),  # serialization failure
    ],
)
def test_an_error_of_the_server_is_a_503(statement: str, retry_after: str) -> None:
    error = error_of(statement)
    assert is_outage(error)
    for path, kind in (("/api/reports", "application/problem+json"), ("/", "text/html; charset=utf-8")):
        answer = outage_response(RequestFactory().get(path), error)
        assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, retry_after, kind)


@pytest.mark.parametrize(
    "statement", ["SELECT 1 / 0", "SELECT nothing", "SELEC", raising("23505"), raising("0A000"), raising("XX000")]
)
def test_a_fault_of_a_statement_stays_a_500(statement: str) -> None:
    assert not is_outage(error_of(statement))


def test_a_session_that_was_ended_is_an_outage_and_the_next_request_has_a_new_one() -> None:
    error = error_of("SELECT pg_terminate_backend(pg_backend_pid())")
    middleware = AnswerOutages(lambda request: outage_response(request, error))
    answer = middleware.process_exception(RequestFactory().get("/"), error)
    assert answer is not None
    assert answer.status_code == 503
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_other_errors_are_left_to_others() -> None:
    middleware = AnswerOutages(lambda request: outage_response(request, KeyError()))
    assert middleware.process_exception(RequestFactory().get("/"), KeyError("a")) is None
