"""Statements that are prepared: planned once, and anew when their tables may have grown."""

import time

import pytest
from django.db import DataError, connection

from jobs import statements
from jobs.statements import ask, one_trip, run

pytestmark = pytest.mark.django_db(transaction=True)


def plans(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%AS {name} %"])
        return int(cursor.fetchone()[0])


def test_a_statement_is_planned_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "PLAN_ANEW_AFTER", 10)
    monkeypatch.setattr(statements, "PLANS_LAST_SECONDS", 0.0)
    for _ in range(30):
        run("SELECT %(number)s::int AS replanned", number=1)
    assert 3 <= plans("replanned") <= 4


def test_the_same_plan_is_used_for_some_seconds_however_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "PLAN_ANEW_AFTER", 10)
    monkeypatch.setattr(statements, "PLANS_LAST_SECONDS", 3600.0)
    monkeypatch.setattr(statements._plans, "since", time.monotonic())
    for _ in range(30):
        run("SELECT %(number)s::int AS kept", number=1)
    assert plans("kept") == 1


def test_the_statements_of_one_trip_are_one_transaction() -> None:
    with one_trip():
        first = ask("SELECT pg_current_xact_id()::text AS id")
        second = ask("SELECT pg_current_xact_id()::text AS id")
    assert first.fetchall() == second.fetchall()
    assert run("SELECT pg_current_xact_id()::text AS id") != run("SELECT pg_current_xact_id()::text AS id")


def test_an_error_in_a_trip_leaves_nothing_of_it_and_the_connection_as_it_was() -> None:
    def trip() -> None:
        with one_trip():
            ask("CREATE TABLE left_behind ()")
            run("SELECT 1 / %(zero)s::int", zero=0)

    with pytest.raises(DataError, match="division by zero"):
        trip()
    assert run("SELECT to_regclass('left_behind') IS NULL AS gone") == [{"gone": True}]


def test_its_queries_are_counted_as_djangos_own(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        run("SELECT 1")
        with one_trip():
            run("SELECT %(a)s::int", a=1)
