"""Columns that an order chooses: which, in what order, and what becomes of headings that nobody would choose."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.functional import lazy
from django.utils.translation import get_language, override
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.worker.execution import execute_job
from reports.chosen_columns import UnknownColumnError, in_current_language, positions_of
from reports.types import REPORT_TYPES, SQL
from tests.support.ordering import ORDER, assert_problem, post
from tests.support.results import Finished, told

pytestmark = pytest.mark.django_db

ODD = """
    SELECT n AS "a""b", 'x' || n AS "100 %", -n AS "a,b", n * 10 AS "select", '=' || n AS "=1+1", n::text AS "行"
    FROM generate_series(1, 3) AS n ORDER BY n DESC
"""


@pytest.fixture
def file_of(owner: User, transactional_db: None, read_result: Callable[[Job], bytes | None]) -> Callable[..., Finished]:
    """Run an order that chooses columns."""

    def run(report_type: str, columns: Sequence[str]) -> Finished:
        payload = {
            "reportType": report_type, "parameters": {}, "csv": {"spreadsheetSafe": True}, "columns": columns,
            "language": "en",
        }  # fmt: skip
        job = Job.objects.create(
            kind="report", queue="reports", type=report_type, owner=owner, payload=payload, max_attempts=5,
            released_at=Now(),
        )  # fmt: skip
        execute_job(job.pk, worker="test")
        job = Job.objects.with_result().get(pk=job.pk)
        return Finished(job, read_result(job))

    return run


def rows_of(finished: Finished) -> list[list[str]]:
    assert finished.content is not None, told(finished.job)
    return list(csv.reader(io.StringIO(finished.content.decode(), newline="")))


def test_the_chosen_columns_are_written_in_their_order(
    report_of: Callable[..., str], file_of: Callable[..., Finished]
) -> None:
    name = report_of("SELECT n, n * 2 AS twice, 't' || n AS t FROM generate_series(1, 2) AS n ORDER BY n",
                     columns={"twice": "Twice"})  # fmt: skip
    assert rows_of(file_of(name, ["t", "Twice"])) == [["t", "Twice"], ["t1", "2"], ["t2", "4"]]
    assert rows_of(file_of(name, ["Twice"])) == [["Twice"], ["2"], ["4"]]


def test_headings_may_be_odd_and_the_rows_keep_their_order(
    report_of: Callable[..., str], file_of: Callable[..., Finished]
) -> None:
    chosen = ["行", "=1+1", "select", "a,b", "100 %", 'a"b']
    rows = rows_of(file_of(report_of(ODD), chosen))
    assert rows[0] == ["行", "'=1+1", "select", "a,b", "100 %", 'a"b']
    assert rows[1:] == [[str(n), f"'={n}", str(n * 10), str(-n), f"x{n}", str(n)] for n in (3, 2, 1)]


def test_a_percent_sign_beside_bound_parameters_stays(
    report_of: Callable[..., str], file_of: Callable[..., Finished]
) -> None:
    name = report_of(SQL('SELECT %(v)s::text AS "%%s", 1 AS n', {"v": "50 %"}))
    assert rows_of(file_of(name, ["%s"])) == [["%s"], ["50 %"]]


def test_a_column_that_is_not_chosen_is_not_computed(
    report_of: Callable[..., str], file_of: Callable[..., Finished]
) -> None:
    name = report_of("SELECT n AS a, 1 / (n - n) AS broken FROM generate_series(1, 2) AS n")
    assert rows_of(file_of(name, ["a"])) == [["a"], ["1"], ["2"]]


def test_the_column_of_a_cell_that_is_too_large_is_named_among_the_chosen(
    report_of: Callable[..., str], file_of: Callable[..., Finished], settings: Any
) -> None:
    settings.MAX_CELL_BYTES = 10
    finished = file_of(report_of("SELECT 'x' AS a, 'y' AS b, repeat('z', 11) AS long"), ["long", "a"])
    assert finished.error == (
        "cell-too-large",
        "The column long contains a cell of 11 bytes; at most 10 bytes are allowed.",
    )


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("SELECT 1 AS a", "The report has no column with the heading “b”."),
        ("SELECT 1 AS a, 2 AS b, 3 AS b", "The report has 2 columns with the heading “b”."),
    ],
)
def test_a_heading_that_the_query_lacks_or_repeats_fails_the_report_for_good(
    query: str, detail: str, report_of: Callable[..., str], file_of: Callable[..., Finished]
) -> None:
    finished = file_of(report_of(query), ["a", "b"])
    assert finished.content is None
    assert told(finished.job) | {"retryable": None} == {"code": "unknown-column", "detail": detail, "retryable": None}
    assert told(finished.job)["retryable"] is False


def test_columns_beside_repeated_ones_can_be_chosen() -> None:
    assert positions_of(["c", "a"], ["a", "b", "b", "c"]) == [3, 0]
    with pytest.raises(UnknownColumnError):
        positions_of(["b"], ["a", "b", "b", "c"])


def test_the_payload_has_columns_only_if_some_are_chosen(api: APIClient) -> None:
    chosen = ["Category", "Month"]
    for columns in (None, chosen):
        post(api, {**ORDER, "columns": columns})
    post(api, ORDER)
    newest, with_columns, first = Job.objects.order_by("-pk")
    assert first.payload == newest.payload
    assert "columns" not in first.payload
    assert with_columns.payload == {**first.payload, "columns": chosen}
    details = [api.get(f"/api/reports/{job.pk}").json() for job in (with_columns, first)]
    assert [detail.get("columns") for detail in details] == [chosen, None]


def test_an_equal_report_has_the_same_columns_in_the_same_order(api: APIClient) -> None:
    first = post(api, {**ORDER, "columns": ["Month", "Category"]}).json()["id"]
    for columns in (["Category", "Month"], ["Month"], None):
        assert "Report-Reused" not in post(api, {**ORDER, "columns": columns, "reuse": True})
    again = post(api, {**ORDER, "columns": ["Month", "Category"], "reuse": True})
    assert (again["Report-Reused"], again.json()["id"]) == ("true", first)


@pytest.mark.parametrize(
    ("columns", "pointer", "detail"),
    [
        ([], "#/columns", "This list may not be empty."),
        ("Month", "#/columns", 'Expected a list of items but got type "str".'),
        (["Month", 7], "#/columns/1", "Not a valid string."),
        (["Month", "Category", "Month"], "#/columns/2", "This heading is already in the list."),
        (
            ["Month", "Colour"], "#/columns/1",
            "There is no such column. The columns are: Month, Category, Orders, Units, Revenue (USD), "
            "Revenue a year before (USD), Growth (%).",
        ),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused(columns: Any, pointer: str, detail: str, api: APIClient) -> None:
    for path in ("/api/reports", "/api/reports/preview"):
        answer = api.post(path, {**ORDER, "columns": columns}, format="json")
        problem = assert_problem(answer, 400, "invalid-request")
        assert problem["errors"] == [{"pointer": pointer, "detail": detail}]
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_preview_shows_the_chosen_columns(api: APIClient, report_of: Callable[..., str]) -> None:
    order = {"reportType": report_of("SELECT 1 AS a, 2 AS b, 'x' AS c"), "columns": ["c", "a"]}
    body = api.post("/api/reports/preview", order, format="json").json()
    assert (body["columns"], body["rows"]) == (["c", "a"], [["x", "1"]])
    problem = api.post("/api/reports/preview", {**order, "columns": ["d"]}, format="json")
    assert_problem(problem, 422, "unknown-column")


def test_a_type_tells_its_columns_if_they_are_known(api: APIClient, report_of: Callable[..., str]) -> None:
    report_of("SELECT 1 AS a")
    assert api.get("/api/report-types/yearly-sales").json()["columns"][:2] == ["Month", "Category"]
    assert "columns" not in api.get("/api/report-types/made").json()


def test_headings_follow_the_language_of_the_page(report_of: Callable[..., str]) -> None:
    report_of("SELECT 1 AS a, 2 AS b", query_columns=("a", "b"), columns={"a": lazy(get_language, str)()})
    made = REPORT_TYPES.find("made")
    assert made is not None
    with override("ja"):
        assert in_current_language(made, ["en", "b", "gone"], language="en") == ["ja", "b", "gone"]
