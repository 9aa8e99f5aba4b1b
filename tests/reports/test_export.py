"""Export: from a query to the bytes of the file."""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.db.models import Value

from jobs.models import Attempt, Job, Queue
from jobs.states import State
from reports.sales.models import Customer
from reports.types import SQL
from tests.reports.conftest import Finished
from tests.waiting import wait_until

ODDITIES = """
    SELECT * FROM (VALUES
        (1, 'plain', 'a,b'), (2, 'quote " inside', E'line\\nbreak'), (3, NULL, ''), (4, '髙橋', E'tab\\tinside')
    ) AS v (number, "text", other) ORDER BY 1
"""


def described(finished: Finished) -> tuple[str, str]:
    error = (finished.job.result or {})["error"]
    return error["code"], error["detail"]


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
    assert (artifact.filename, artifact.encoding, artifact.attempt) == ("made.csv", "utf-8", 1)
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


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "a\n髙①\n".encode()),
        ("utf-8-sig", "a\n髙①\n".encode("utf-8-sig")),
        ("cp932", "a\n髙①\n".encode("cp932")),
        ("utf-16", "a\n髙①\n".encode("utf-16")),
    ],
)
def test_encodings(
    encoding: str, expected: bytes, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT '髙①' AS a"), encoding=encoding).content == expected


@pytest.mark.parametrize(("encoding", "text"), [("shift_jis", "高橋"), ("euc_jp", "高橋"), ("latin-1", "Müller")])
def test_older_encodings(
    encoding: str, text: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of(f"SELECT '{text}' AS a"), encoding=encoding).content == f"a\n{text}\n".encode(encoding)


def test_the_byte_order_mark_stands_once_in_a_file_of_many_chunks(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT repeat('x', 999) AS a FROM generate_series(1, 1000)"), encoding="utf-16")
    assert finished.content is not None
    assert finished.content == ("a\n" + ("x" * 999 + "\n") * 1000).encode("utf-16")


def test_a_character_that_the_encoding_lacks_fails_for_good_with_row_and_column(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    query = """SELECT i AS number, CASE i WHEN 90001 THEN 'b"ad, 🚚' ELSE 'fine' END AS note, E'two\\nlines' AS more
               FROM generate_series(1, 100000) i ORDER BY i"""
    finished = run_order(report_of(query), encoding="cp932")
    assert (finished.job.state, finished.content) == (State.DEAD, None)
    assert described(finished) == (
        "unencodable-character",
        "Row 90001, column note: cp932 has no '🚚' (U+1F69A). "
        'Order with another encoding, or with "errors": "replace".',
    )
    assert list(stored_files()) == []


def test_a_report_that_fails_on_the_way_ends_its_query_on_the_server(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    query = """SELECT CASE i WHEN 2 THEN pg_sleep(60)::text ELSE repeat('🚚', 100000) END AS a
               FROM generate_series(1, 2) i"""
    finished = run_order(report_of(query), encoding="latin-1")
    assert described(finished)[0] == "unencodable-character"

    def has_ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [f"longhaul {finished.job.pk}"]
            )
            return bool(cursor.fetchone() == (0,))

    wait_until(has_ended, timeout=5, message="the session ends")


def test_a_character_in_a_very_long_cell_is_found(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT repeat('x', 300000) || '🚚' AS a"), encoding="cp932")
    assert described(finished)[1].startswith("Row 1, column a: cp932 has no '🚚' (U+1F69A).")


def test_a_heading_that_the_encoding_lacks_is_named(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT 1 AS a, 2 AS b", columns={"b": "🚚"}), encoding="latin-1")
    assert described(finished)[1].startswith("Heading 🚚: latin-1 has no '🚚' (U+1F69A).")


def test_a_character_that_the_encoding_lacks_is_replaced_where_the_order_says_so(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT 'to 🚚 go' AS a"), encoding="cp932", errors="replace")
    assert finished.content == b"a\nto ? go\n"


def test_gzip(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    finished = run_order(report_of("SELECT i AS a FROM generate_series(1, 100000) i ORDER BY i"), compression="gzip")
    assert finished.content is not None
    assert gzip.decompress(finished.content).decode() == "a\n" + "".join(f"{i}\n" for i in range(1, 100001))
    artifact = finished.job.result_artifact
    assert artifact is not None
    assert (artifact.filename, artifact.content_type) == ("made.csv.gz", "application/gzip")
    assert artifact.sha256 == hashlib.sha256(finished.content).hexdigest()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters(delimiter: str, report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    finished = run_order(report_of(f"SELECT 'a{delimiter}b' AS x, 2 AS y"), delimiter=delimiter)
    assert finished.content == f'x{delimiter}y\n"a{delimiter}b"{delimiter}2\n'.encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_a_spreadsheet_would_run_is_defused(
    start: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    made = report_of(lambda parameters: SQL("SELECT %s::text AS a, -1 AS b, 'x=1'::text AS c", [f"{start}1+1"]))
    finished = run_order(made)
    assert finished.content is not None
    rows = list(csv.reader(io.StringIO(finished.content.decode(), newline="")))
    assert rows == [["a", "b", "c"], [f"'{start}1+1", "-1", "x=1"]]


def test_only_text_is_defused(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    query = """SELECT -1.5::numeric AS n, '-1 day'::interval AS i, '-infinity'::date AS d, true AS b,
                      NULL::text AS t, '-1'::jsonb AS j, '-7'::varchar AS v"""
    assert run_order(report_of(query)).content == b"n,i,d,b,t,j,v\n-1.5,-1 days,-infinity,t,,'-1,'-7\n"


def test_spreadsheet_safety_can_be_switched_off(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT '=1+1' AS a"), spreadsheetSafe=False).content == b"a\n=1+1\n"


def test_two_columns_of_the_same_name_are_two_columns(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT 'a' AS x, 'b' AS x")).content == b"x,x\na,b\n"


def test_a_report_cannot_write(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE report_writes")
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


def test_a_statement_that_takes_too_long_is_ended_and_leaves_no_file(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    Queue.objects.filter(name="reports").update(statement_timeout_seconds=1)
    finished = run_order(report_of("SELECT i AS a, pg_sleep(0.3) AS b FROM generate_series(1, 100) i"))
    assert finished.job.state == State.FAILED
    assert "statement timeout" in finished.job.error_message
    assert list(stored_files()) == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT nonsense", 'column "nonsense" does not exist'),
        ("SELEC 1", 'syntax error at or near "1"'),
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
    assert described(finished) == (
        "query-refused",
        "The database refused the query. Its operators can see why under the id of the job.",
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
    assert described(finished)[0] == "unknown-report-type"


def test_parameters_that_are_not_valid_any_more_are_a_dead_job(run_order: Callable[..., Finished]) -> None:
    finished = run_order("yearly-sales", {"year": "soon"})
    assert finished.job.state == State.DEAD
    assert described(finished)[0] == "invalid-parameters"


def stored_files() -> list[str]:
    storage = storages["artifacts"]
    return [name for folder in storage.listdir("")[0] for name in storage.listdir(folder)[1] if _of_a_job(name)]


def _of_a_job(name: str) -> bool:
    return Job.objects.filter(pk=name.split(".")[0]).exists()
