"""Statements that are prepared: planned once, and anew when their tables may have grown."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import DataError, NotSupportedError, connection, transaction

from jobs.models import Job
from jobs.postgres import statements
from jobs.postgres.commit import in_transaction
from jobs.postgres.statements import columns_of, execute, fetch_all, pipeline, squeeze

pytestmark = pytest.mark.django_db(transaction=True)


def plans(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%AS {name} %"])
        return int(cursor.fetchone()[0])


def test_a_statement_is_planned_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "REPLAN_AFTER", 10)
    monkeypatch.setattr(statements, "PLANS_LAST_SECONDS", 0.0)
    for _ in range(30):
        fetch_all("SELECT %(number)s::int AS replanned", number=1)
    assert 3 <= plans("replanned") <= 4


def test_the_same_plan_is_used_for_some_seconds_however_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "REPLAN_AFTER", 10)
    monkeypatch.setattr(statements, "PLANS_LAST_SECONDS", 3600.0)
    monkeypatch.setattr(statements._plans, "since", time.monotonic())
    for _ in range(30):
        fetch_all("SELECT %(number)s::int AS kept", number=1)
    assert plans("kept") == 1


def test_the_statements_of_one_trip_are_one_transaction() -> None:
    with pipeline():
        first = execute("SELECT pg_current_xact_id()::text AS id")
        second = execute("SELECT pg_current_xact_id()::text AS id")
    assert first.fetchall() == second.fetchall()
    assert fetch_all("SELECT pg_current_xact_id()::text AS id") != fetch_all("SELECT pg_current_xact_id()::text AS id")


def test_an_error_in_a_trip_leaves_nothing_of_it_and_the_connection_as_it_was() -> None:
    def trip() -> None:
        with pipeline():
            execute("CREATE TABLE left_behind ()")
            fetch_all("SELECT 1 / %(zero)s::int", zero=0)

    with pytest.raises(DataError, match="division by zero"):
        trip()
    assert fetch_all("SELECT to_regclass('left_behind') IS NULL AS gone") == [{"gone": True}]


def test_the_first_transaction_of_a_trip_is_answered_before_the_next_one(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("CREATE TABLE told (number int)")
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(23)")
            trip_of_two = pipeline()
            trip = trip_of_two.__enter__()
            first = execute("INSERT INTO told VALUES (1) RETURNING number")
            trip.commit()
            second = execute("SELECT pg_advisory_xact_lock(23), count(*) FROM told")
            trip.commit()
            trip.wait_for_commit()
            assert first.fetchall() == [{"number": 1}]
            assert other.execute("SELECT number FROM told").fetchall() == [(1,)]
        trip_of_two.__exit__(None, None, None)
        assert [row["count"] for row in second.fetchall()] == [1]
        assert fetch_all("SELECT number FROM told") == [{"number": 1}]
        other.execute("DROP TABLE told")


def test_an_error_in_the_first_transaction_of_a_trip_leaves_the_next_one(database_url: str) -> None:
    def trip_of_two() -> None:
        with pipeline() as trip:
            execute("CREATE TABLE left_behind ()")
            execute("SELECT 1 / %(zero)s::int", zero=0)
            execute("SELECT 1")
            trip.commit()
            execute("CREATE TABLE second ()")
            trip.commit()
            trip.wait_for_commit()

    with pytest.raises(DataError, match="division by zero"):
        trip_of_two()
    assert fetch_all("SELECT to_regclass('left_behind') IS NULL AS gone") == [{"gone": True}]
    assert fetch_all("SELECT to_regclass('second') IS NULL AS gone") == [{"gone": False}]
    execute("DROP TABLE second")


def test_its_queries_are_counted_as_djangos_own(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        fetch_all("SELECT 1")
        with pipeline():
            fetch_all("SELECT %(a)s::int", a=1)


@pytest.fixture
def alter(database_url: str) -> Iterator[Callable[[str], object]]:
    """Change a table, for which this session has planned a statement, in another session."""
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("CREATE TABLE changing AS SELECT 1 AS a")
        assert fetch_all("SELECT * FROM changing") == [{"a": 1}]
        yield lambda change: other.execute(f"ALTER TABLE changing {change}".encode())
        other.execute("DROP TABLE changing")


def test_a_statement_whose_columns_change_is_planned_again(alter: Callable[[str], object]) -> None:
    for change, row in (("ADD b int", {"a": 1, "b": None}), ("ALTER a TYPE text", {"a": "1", "b": None})):
        alter(change)
        assert fetch_all("SELECT * FROM changing") == [row]


def test_within_a_transaction_the_next_one_plans_again(alter: Callable[[str], object]) -> None:
    alter("ADD b int")
    with pytest.raises(NotSupportedError, match="cached plan"), transaction.atomic():
        fetch_all("SELECT * FROM changing")
    with transaction.atomic():
        assert fetch_all("SELECT * FROM changing") == [{"a": 1, "b": None}]


def test_a_transaction_is_done_again_with_new_plans(alter: Callable[[str], object]) -> None:
    alter("ADD b int")
    assert in_transaction(lambda: fetch_all("SELECT * FROM changing")) == [{"a": 1, "b": None}]


def test_within_a_trip_the_next_one_plans_again(alter: Callable[[str], object]) -> None:
    def trip() -> object:
        with pipeline():
            rows = execute("SELECT * FROM changing")
        return rows.fetchall()

    alter("ADD b int")
    with pytest.raises(NotSupportedError, match="cached plan"):
        trip()
    assert trip() == [{"a": 1, "b": None}]


def test_columns_are_named() -> None:
    assert columns_of(Job, "job").startswith("job.id, job.kind, job.type, job.queue, job.owner, ")
    assert columns_of(Job, "job", prefix="of ").startswith('job."id" AS "of id", job."kind" AS "of kind", ')


def test_parameters_are_named_and_may_be_used_twice() -> None:
    rows = fetch_all("SELECT %(b)s::text || '%%' || %(a)s::text || %(b)s::text AS text", a="x", b="y")
    assert rows == [{"text": "y%xy"}]
    with pytest.raises(KeyError, match="a"):
        fetch_all("SELECT %(a)s::int", b=1)


def test_a_comment_that_would_end_the_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="comment"):
        squeeze("SELECT 1 -- one\nFROM x")


def test_other_comments_are_left_out() -> None:
    assert squeeze("SELECT /* one,\n two */ 1\n/* three */ FROM x") == "SELECT 1 FROM x"
