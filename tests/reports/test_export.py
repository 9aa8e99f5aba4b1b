"""Export: from a query to the bytes of the file."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Value
from django.utils import timezone

from examples.sales.models import Customer
from jobs.models import Attempt, Queue
from jobs.states import State
from tests.support.results import Finished
from tests.support.waiting import wait_until

ODDITIES = """
    SELECT * FROM (VALUES
        (1, 'plain', 'a,b'), (2, 'quote " inside', E'line\\nbreak'), (3, NULL, ''), (4, '髙橋', E'tab\\tinside')
    ) AS v (number, "text", other) ORDER BY 1
"""


def test_the_file_is_what_copy_writes_and_the_artifact_describes_it(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of(ODDITIES), spreadsheetSafe=False)
    assert finished.content == (
        b"number,text,other\n"
        b'1,plain,"a,b"\n'
        b'2,"quote "" inside","line\nbreak"\n'
        b'3,,""\n'
        b"4,\xe9\xab\x99\xe6\xa9\x8b,tab\tinside\n"
    )
    artifact = finished.job.result_artifact
    assert artifact is not None
    assert (artifact.row_count, artifact.size_bytes) == (4, len(finished.content))
    assert artifact.sha256 == hashlib.sha256(finished.content).hexdigest()
    assert (artifact.filename, artifact.encoding, artifact.attempt) == (f"made-{timezone.localdate()}.csv", "utf-8", 1)
    assert artifact.content_type == "text/csv; charset=utf-8; header=present"
    job = finished.job
    assert (job.state, job.progress_done, job.progress_total, job.progress_percent) == (State.SUCCEEDED, 4, 4, 100)
    assert job.result == {"rowCount": 4}
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.rows, attempt.bytes) == ("succeeded", 4, len(finished.content))


def test_an_empty_result_is_a_file_with_the_heading_only(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT 1 AS a, 'x'::text AS b WHERE false"))
    assert finished.content == b"a,b\n"
    assert finished.job.result == {"rowCount": 0}


def test_an_empty_queryset_is_a_file_with_the_heading_only(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of(Customer.objects.none().values("code", "name")))
    assert finished.content == b"code,name\n"


def test_columns_give_headings_and_long_ones_are_not_cut(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    heading = "売上金額（前年同月との比較、税抜き、単位は千円）の合計"
    finished = run_order(report_of("SELECT 1 AS a, 2 AS b", columns={"a": heading}))
    assert finished.content == f"{heading},b\n1,2\n".encode()


def test_a_queryset_keeps_the_names_of_values(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    query = Customer.objects.annotate(answer=Value(42)).values("name", "orders__channel", "answer")
    assert run_order(report_of(query)).content == b"name,orders__channel,answer\n"


def test_a_report_that_fails_on_the_way_ends_its_query_on_the_server(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    query = """SELECT CASE i WHEN 2 THEN pg_sleep(60)::text ELSE repeat('🚚', 100000) END AS a
               FROM generate_series(1, 2) i"""
    finished = run_order(report_of(query), encoding="latin-1")
    assert finished.error[0] == "unencodable-character"

    def has_ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [f"longhaul {finished.job.pk}"]
            )
            return bool(cursor.fetchone() == (0,))

    wait_until(has_ended, timeout=5, message="the session ends")


def test_two_columns_of_the_same_name_are_two_columns(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT 'a' AS x, 'b' AS x")).content == b"x,x\na,b\n"


def test_a_report_cannot_write(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE report_writes; GRANT USAGE ON SEQUENCE report_writes TO longhaul_reports")
    try:
        finished = run_order(report_of("SELECT nextval('report_writes') AS a"))
        assert finished.job.state in (State.FAILED, State.DEAD)
        assert "read-only transaction" in finished.job.error_message or "read-only" in Attempt.objects.get().traceback
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE report_writes")


def test_the_transaction_is_one_snapshot_named_after_the_job(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    query = """SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only')
               AS read_only, current_setting('application_name') AS name, current_setting('statement_timeout') AS t"""
    Queue.objects.filter(name="reports").update(statement_timeout_seconds=77)
    finished = run_order(report_of(query))
    line = f"repeatable read,on,longhaul {finished.job.pk},77s\n"
    assert finished.content == b"isolation,read_only,name,t\n" + line.encode()


def test_a_report_may_be_compiled_where_the_server_has_it_so(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT current_setting('jit') AS jit"))
    assert finished.content == b"jit\non\n"


def test_a_statement_that_takes_too_long_is_ended_and_leaves_no_file(
    report_of: Callable[..., str], run_order: Callable[..., Finished], stored: Callable[[], set[str]]
) -> None:
    Queue.objects.filter(name="reports").update(statement_timeout_seconds=1)
    finished = run_order(report_of("SELECT i AS a, pg_sleep(0.3) AS b FROM generate_series(1, 100) i"))
    assert finished.job.state == State.FAILED
    # PostgreSQL's error or our own, whoever sees it first: rows come all the time.
    assert (finished.job.result or {})["error"]["code"] == "time-limit"
    assert stored() == set()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT nonsense", 'column "nonsense" does not exist'),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT 1/(i - 1) AS a FROM generate_series(1, 2) i", "division by zero"),
        ("SELECT * FROM no_such_table", 'relation "no_such_table" does not exist'),
    ],
)
def test_what_postgresql_refuses_is_dead_at_once_and_only_the_staff_see_why(
    query: str, reason: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of(query))
    assert (finished.job.state, finished.job.attempt_count) == (State.DEAD, 1)
    assert finished.job.error_message.splitlines()[0] == reason
    assert finished.error == (
        "query-refused",
        "The database refused the query.",
    )


def test_a_query_of_another_type_is_refused(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    finished = run_order(report_of(lambda parameters: ["not", "a", "query"]))
    assert "QuerySet or SQL, not list" in finished.job.error_message


def test_the_estimate_of_the_type_goes_before_the_planners(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    seen: list[Any] = []

    def estimate(self: Any, parameters: Any, user: Any) -> int:
        seen.append((parameters, user.username))
        return 123

    run_order(report_of("SELECT 1 AS a", estimate=estimate), {"value": "x"})
    assert seen == [({"value": "x"}, "ada")]


def test_a_type_may_keep_its_files_longer(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    artifact = run_order(report_of("SELECT 1 AS a", retention=timedelta(days=400))).job.result_artifact
    assert artifact is not None
    assert artifact.expires_at is not None
    assert artifact.published_at is not None
    assert artifact.expires_at - artifact.published_at == timedelta(days=400)


def test_a_report_type_that_is_gone_is_a_dead_job(run_order: Callable[..., Finished]) -> None:
    finished = run_order("no-such-type")
    assert finished.job.state == State.DEAD
    assert finished.error[0] == "unknown-report-type"


def test_parameters_that_are_not_valid_any_more_are_a_dead_job(run_order: Callable[..., Finished]) -> None:
    finished = run_order("yearly-sales", {"year": "soon"})
    assert finished.job.state == State.DEAD
    detail = "The parameters are no longer valid. year: A valid integer is required."
    assert finished.error == ("invalid-parameters", detail)
