"""Preview: what an order would contain, within a request."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from examples.sales.models import Customer
from jobs.models import Job, Queue, RecentRuns, TypeDials
from jobs.postgres.advisory_locks import slot
from jobs.types.contained import CannotStartError
from reports.types import SQL
from tests.support.ordering import ORDER, assert_problem
from tests.support.results import Finished
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("forked")]

NUMBERS = "SELECT n, '=' || n AS formula FROM generate_series(1, 5000) AS n ORDER BY n"


@pytest.fixture
def preview(owner: User) -> Callable[..., Any]:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(owner)

    def ask(report_type: str, **order: Any) -> Any:
        return client.post("/api/reports/preview", {"reportType": report_type, **order}, format="json")

    return ask


def test_the_first_rows_are_as_the_file_will_have_them(
    preview: Callable[..., Any], report_of: Callable[..., str]
) -> None:
    answer = preview(report_of(NUMBERS, columns={"n": "Number"}), csv={"delimiter": ";"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["columns"] == ["Number", "formula"]
    assert body["rows"] == [[str(n), f"'={n}"] for n in range(1, 21)]
    assert body["estimatedRows"] == 5000
    assert not Job.objects.exists()


@pytest.mark.parametrize("is_safe", [True, False])
def test_each_cell_is_that_of_the_file(
    is_safe: bool, preview: Callable[..., Any], report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    """Also where a spreadsheet that splits at another separator would find a formula, and with breaks in cells."""
    name = report_of(
        SQL("SELECT v AS x, 1 AS n FROM unnest(%s::text[]) AS v", [["a;=1+1", "=2", "a\n=3\r=4", "", "a|@b"]])
    )
    content = run_order(name, spreadsheetSafe=is_safe).content
    assert content is not None
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    assert preview(name, csv={"spreadsheetSafe": is_safe}).json()["rows"] == rows
    assert rows[0] == ["a;'=1+1" if is_safe else "a;=1+1", "1"]


def test_a_query_set_is_read(preview: Callable[..., Any], report_of: Callable[..., str]) -> None:
    query = Customer.objects.order_by("id").values("code")
    assert preview(report_of(query)).json() | {"reportType": ""} == {
        "reportType": "", "parameters": {}, "columns": ["code"], "estimatedRows": 0, "rowCount": 0, "rows": [],
        "truncated": False,
    }  # fmt: skip


def test_a_type_may_know_its_rows_better(preview: Callable[..., Any], report_of: Callable[..., str]) -> None:
    body = preview(report_of(NUMBERS, estimate=lambda *_: Decimal(7777))).json()
    assert body["estimatedRows"] == 7777
    assert "rowCount" not in body


def test_rows_that_take_too_long_are_left_out(
    preview: Callable[..., Any], report_of: Callable[..., str], settings: Settings
) -> None:
    settings.PREVIEW_TIMEOUT_SECONDS = 1
    answer = preview(report_of("SELECT n FROM generate_series(1, 3) AS n, pg_sleep(60)"))
    assert answer.status_code == 200
    assert not {"rows", "truncated"} & answer.json().keys()
    assert answer.json()["estimatedRows"] == 3


GROUPED = "SELECT n % 7 AS n, count(*) FROM generate_series(1, 200000) AS n GROUP BY 1"


def test_rows_that_all_fit_are_counted_and_not_guessed(
    preview: Callable[..., Any], report_of: Callable[..., str]
) -> None:
    body = preview(report_of(GROUPED)).json()
    assert (len(body["rows"]), body["rowCount"], body["estimatedRows"]) == (7, 7, 7)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT n % 5000 AS n, count(*) FROM generate_series(1, 200000) AS n GROUP BY 1",
        "SELECT DISTINCT n % 5000 AS n FROM generate_series(1, 200000) AS n",
        "SELECT n FROM generate_series(1, 99) AS n UNION SELECT n + 50 FROM generate_series(1, 99) AS n",
    ],
)
def test_how_many_groups_there_will_be_is_left_out_or_taken_from_the_past(
    query: str, preview: Callable[..., Any], report_of: Callable[..., str]
) -> None:
    name = report_of(query)
    assert not {"estimatedRows", "rowCount"} & preview(name).json().keys()
    RecentRuns.objects.create(
        kind="report", type=name, seconds=[1] * 4, rows=[5000, 5100, 4900, 5000], rows_expected=[None] * 4
    )
    assert preview(name).json()["estimatedRows"] == 5000
    RecentRuns.objects.update(rows=[5, 50, 500, 5000])  # its runs have nothing in common
    assert "estimatedRows" not in preview(name).json()


@pytest.mark.parametrize(
    ("length", "shown", "truncated"),
    [(12_000, 20, False), (100_000, 2, True), (200_000, 1, True), (256 * 1024 - 1, 1, True), (256 * 1024, 0, True)],
)
def test_long_rows_are_cut_to_what_fits(
    length: int, shown: int, truncated: bool, preview: Callable[..., Any], report_of: Callable[..., str]
) -> None:
    answer = preview(report_of(SQL("SELECT repeat('x', %(n)s) AS x FROM generate_series(1, 20)", {"n": length})))
    assert answer.status_code == 200
    assert [len(row[0]) for row in answer.json()["rows"]] == [length] * shown
    assert answer.json()["truncated"] is truncated


def test_a_row_of_one_empty_cell_is_a_row(preview: Callable[..., Any], report_of: Callable[..., str]) -> None:
    name = report_of("SELECT NULLIF(v, 'null') AS x FROM (VALUES ('null'), (''), ('a')) AS t(v)")
    assert preview(name).json()["rows"] == [[""], [""], ["a"]]


def test_the_log_has_no_secret_that_an_error_quotes(
    preview: Callable[..., Any], report_of: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    query = "SELECT v::int AS n FROM (VALUES ('password=hunter2hunter2')) AS t(v)"
    assert preview(report_of(query)).status_code == 422
    assert "preview_failed" in caplog.text
    assert "password=***" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_query_that_fails_is_422_as_its_report_would(
    preview: Callable[..., Any], report_of: Callable[..., str]
) -> None:
    problem = assert_problem(preview(report_of("SELECT secret FROM nowhere")), 422, "query-refused")
    assert "nowhere" not in problem["detail"]


def test_a_database_that_ends_the_session_is_503(preview: Callable[..., Any], report_of: Callable[..., str]) -> None:
    answer = preview(report_of("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert_problem(answer, 503, "preview-unavailable")
    assert answer["Retry-After"] == "10"


def test_a_process_that_does_not_start_is_503(preview: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_to_start(*arguments: Any, **options: Any) -> None:
        raise CannotStartError

    monkeypatch.setattr("reports.previewing.contained", fail_to_start)
    problem = assert_problem(preview(**order()), 503, "preview-unavailable")
    assert problem["detail"] == "The preview could not be started."


def test_it_is_validated_as_an_order_is(preview: Callable[..., Any]) -> None:
    assert_problem(preview("none"), 400, "unknown-report-type")
    problem = assert_problem(preview("yearly-sales", parameters={"year": 1}), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/parameters/year"]
    assert preview("yearly-sales", parameters={"year": 2023}, reuse=True).status_code == 200


@pytest.mark.parametrize("of_type", [True, False])
def test_what_is_paused_is_not_previewed(of_type: bool, preview: Callable[..., Any]) -> None:
    if of_type:
        TypeDials.objects.create(kind="report", type="yearly-sales", paused=True)
    else:
        Queue.objects.update(paused=True)
    answer = preview(**order())
    assert_problem(answer, 503, "preview-unavailable")
    assert answer["Retry-After"] == "30"


def test_a_queue_that_is_gone_is_503(preview: Callable[..., Any]) -> None:
    Queue.objects.all().delete()
    answer = preview(**order())
    assert_problem(answer, 503, "preview-unavailable")
    assert answer["Retry-After"] == "10"


def test_only_so_many_run_at_once(preview: Callable[..., Any], settings: Settings) -> None:
    settings.PREVIEWS_AT_ONCE = 1
    with Threads(1) as elsewhere, slot("preview", of=1) as held:
        assert held
        answer = elsewhere.submit(preview, **order()).result()
        assert_problem(answer, 503, "preview-unavailable")
        assert answer["Retry-After"] == "2"
    assert preview(**order()).status_code == 200


def test_the_page_shows_it_and_keeps_what_was_entered(client: Client, owner: User) -> None:
    client.force_login(owner)
    Customer.objects.create(code="C1", name="<b>Ada</b>", country="JP")
    answer = client.post("/reports/new?type=customers", {"parameters.country": "JP", "preview": "yes"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "1 row at the moment, as it will appear in the file." in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    assert '<option value="JP" selected' in page
    Queue.objects.update(paused=True)
    answer = client.post("/reports/new?type=customers", {"preview": "yes"})
    assert answer.status_code == 503
    assert "Reports of this type are paused at the moment." in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT 1 AS x WHERE false", "The query returns no rows at the moment."),
        (
            "SELECT repeat('x', 300000) AS x",
            "The first row is too long to show here. You can still order the report.",
        ),
        (
            "SELECT repeat('x', n) AS x FROM (VALUES (1), (300000)) AS t(n)",
            "The first row, as it will appear in the file. The next one is too long to show.",
        ),
    ],
)
def test_the_page_says_why_there_are_no_more_rows(
    query: str, says: str, client: Client, owner: User, report_of: Callable[..., str]
) -> None:
    client.force_login(owner)
    answer = client.post(f"/reports/new?type={report_of(query)}", {"preview": "yes"})
    assert answer.status_code == 200
    assert says in answer.content.decode()


def order() -> dict[str, Any]:
    return {"report_type": ORDER["reportType"], "parameters": ORDER["parameters"]}
