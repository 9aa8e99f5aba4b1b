"""Compiling: parameters are bound by quoting, so hostile ones are tried."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reports.expectation import planned_rows
from reports.query import Column, compile_query, copy_statement, describe_columns, explain
from reports.types import SQL
from tabular import protocol
from tabular.dialect import Dialect
from tabular.protocol import Exchange
from tabular.spreadsheets import FORMULA_STARTS, defuse

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def raw(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Cursor[Any]]:
    """A psycopg cursor over the test database, outside of Django's transaction."""
    with django_db_blocker.unblock():
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            yield cursor
        connection.close()


def copied(cursor: psycopg.Cursor[Any], statement: str) -> str:
    with cursor.copy(statement) as copy:
        return b"".join(copy).decode()


@given(value=TEXTS)
@example(value="'; DROP TABLE jobs_job; --")
@example(value="\\'; SELECT 1; --")
@example(value="$$ || pg_sleep(10) || $$")
@example(value="%s %(value)s %%")
@example(value="E'\\x27'")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_values_stay_values(value: str, raw: psycopg.Cursor[Any]) -> None:
    text = compile_query(
        SQL("SELECT %(value)s::text = %(value)s AS same, length(%(value)s)", {"value": value}), connection
    )
    assert copied(raw, f"COPY ({text}) TO STDOUT (FORMAT csv)") == f"t,{len(value)}\n"


@given(value=TEXTS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_postgresql_defuses_as_python_does(value: str, raw: psycopg.Cursor[Any]) -> None:
    query = SQL("SELECT %s::text AS a", [value])
    text = compile_query(query, connection)
    statement = copy_statement(text, [Column("a", is_text=True)], Dialect(), raw)
    expected = compile_query(SQL("SELECT %s::text AS a", [defuse(value)]), connection)
    assert copied(raw, statement) == copied(raw, f"COPY ({expected}) TO STDOUT (FORMAT csv)")


def test_nul_in_a_value_is_refused_before_it_reaches_the_server(db: None) -> None:
    with pytest.raises(psycopg.DataError):
        compile_query(SQL("SELECT %s", ["a\0b"]), connection)


def test_a_percent_sign_is_literal_without_parameters(raw: psycopg.Cursor[Any]) -> None:
    assert compile_query(SQL("SELECT '100 %' LIKE '%0 %%'"), connection) == "SELECT '100 %' LIKE '%0 %%'"


def test_a_trailing_semicolon_and_a_final_comment_do_no_harm(raw: psycopg.Cursor[Any]) -> None:
    query = SQL("SELECT 1 AS a -- the answer;")
    text = compile_query(query, connection)
    columns = describe_columns(query, text, raw)
    assert copied(raw, copy_statement(text, columns, Dialect(), raw)) == "1\n"


def test_querysets_bind_their_values(raw: psycopg.Cursor[Any]) -> None:
    query = User.objects.filter(username="o'hara; --").values("username")
    text = compile_query(query, connection)
    assert "'o''hara; --'" in text
    assert describe_columns(query, text, raw) == [Column("username", is_text=True)]


def test_columns_know_which_are_text(raw: psycopg.Cursor[Any]) -> None:
    query = SQL("SELECT 1 AS n, now() AS d, 'x'::text AS t, '{}'::jsonb AS j, true AS b, '1 day'::interval AS i")
    text = compile_query(query, connection)
    assert {column.name for column in describe_columns(query, text, raw) if column.is_text} == {"t", "j"}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT * FROM generate_series(1, 5000) AS i ORDER BY 1", 5000),
        ("SELECT count(*) FROM generate_series(1, 5000) AS i", 1),
        (
            "SELECT i, (SELECT count(*) FROM (SELECT DISTINCT 1) AS k) FROM generate_series(1, 9) AS i",
            9,
        ),
        ("SELECT i FROM generate_series(1, 9) AS i CROSS JOIN (SELECT max(oid) FROM pg_class) AS m", 9),
        ("SELECT i % 7, count(*) FROM generate_series(1, 5000) AS i GROUP BY 1", None),
        ("SELECT * FROM (SELECT DISTINCT i % 7 FROM generate_series(1, 5000) AS i) AS d LIMIT 10", None),
        ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t", None),
    ],
)
def test_the_planner_is_believed_unless_rows_are_grouped(text: str, rows: int | None, raw: psycopg.Cursor[Any]) -> None:
    assert planned_rows(explain(text, raw)) == rows


def test_all_formula_starts_are_one_character() -> None:
    assert {len(start) for start in FORMULA_STARTS} == {1}


def test_another_kind_of_query_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="must return a QuerySet or SQL, not str"):
        compile_query("SELECT 1", connection)  # type: ignore[arg-type]


def test_a_large_statement_is_sent_as_fast_as_the_server_takes_it(
    raw: psycopg.Cursor[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says nothing until it has read all of it, so nobody waits for its word to send more."""
    monkeypatch.setattr(protocol, "POLL_MILLISECONDS", 5_000)
    began = time.monotonic()
    assert Exchange(raw.connection).value(f"SELECT length('{'x' * 1_000_000}')") == "1000000"
    assert time.monotonic() - began < 5
