"""Ordering over HTTP, and every refusal."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from jobs.events import record_event
from jobs.models import Event, Job, Queue
from jobs.states import State
from reports.types import ReportType, register
from tests.support.ordering import ORDER, assert_problem, post

pytestmark = pytest.mark.django_db


def test_an_order_is_accepted(api: APIClient, owner: User) -> None:
    response = post(api, ORDER)
    assert response.status_code == 202
    body = response.json()
    job = Job.objects.get()
    assert UUID(body["id"]) == job.pk
    assert job.pk.version == 7
    assert response["Location"] == f"/api/reports/{job.pk}/status"
    assert response["Operation-Location"] == f"http://testserver/api/operations/{job.pk}"
    assert response["Retry-After"] == "1"
    assert (body["reportType"], body["status"], body["progress"]) == ("yearly-sales", "Queued", 0)
    assert "estimatedTimeRemaining" not in body
    assert body == {**api.get(response["Location"]).json()}
    assert (job.owner, job.kind, job.queue, job.state) == (owner, "report", "reports", State.QUEUED)
    assert job.payload == {
        "reportType": "yearly-sales",
        "parameters": {"year": 2023},
        "csv": {
            "encoding": "utf-8",
            "delimiter": ",",
            "spreadsheetSafe": True,
            "compression": "none",
            "errors": "strict",
        },
        "language": "en",
    }


def test_the_csv_object_is_kept(api: APIClient) -> None:
    csv = {"encoding": "cp932", "delimiter": "\t", "spreadsheetSafe": False, "compression": "gzip", "errors": "replace"}
    assert post(api, {**ORDER, "csv": csv}).status_code == 202
    assert Job.objects.get().payload["csv"] == csv


def test_an_unknown_report_type_names_the_valid_ones(api: APIClient) -> None:
    body = assert_problem(post(api, {"reportType": "yearly-sails"}), 400, "unknown-report-type")
    assert body["reportTypes"] == ["customers", "order-lines", "yearly-sales"]
    assert body["errors"] == [{"pointer": "#/reportType", "detail": "There is no such report type."}]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/reportType"),
        ({"reportType": None}, "#/reportType"),
        ({"reportType": ["yearly-sales"]}, "#/reportType"),
        ({"reportType": "yearly-sales"}, "#/parameters/year"),
        ({"reportType": "yearly-sales", "parameters": {"year": "soon"}}, "#/parameters/year"),
        ({"reportType": "yearly-sales", "parameters": {"year": 1066}}, "#/parameters/year"),
        ({"reportType": "yearly-sales", "parameters": {"year": 10**400}}, "#/parameters/year"),
        ({"reportType": "yearly-sales", "parameters": {"year": 2023, "yaer": 1}}, "#/parameters/yaer"),
        ({"reportType": "yearly-sales", "parameters": [2023]}, "#/parameters"),
        ({"reportType": "yearly-sales", "parameters": None}, "#/parameters"),
        ({**ORDER, "csv": {"encoding": "ebcdic"}}, "#/csv/encoding"),
        ({**ORDER, "csv": {"delimiter": "ab"}}, "#/csv/delimiter"),
        ({**ORDER, "csv": {"spreadsheetSafe": "perhaps"}}, "#/csv/spreadsheetSafe"),
        ({**ORDER, "csv": {"spreadsheetSafe": 1}}, "#/csv/spreadsheetSafe"),
        ({**ORDER, "csv": {"spredsheetSafe": False}}, "#/csv/spredsheetSafe"),
        ({**ORDER, "csv": "utf-8"}, "#/csv"),
        ({**ORDER, "surprise": 1}, "#/surprise"),
        (
            {"reportType": "order-lines", "parameters": {"dateFrom": "2023-02-01", "dateTo": "2023-01-01"}},
            "#/parameters/dateTo",
        ),
        ({"reportType": "order-lines", "parameters": {"dateFrom": "2023-02-30"}}, "#/parameters/dateFrom"),
        ({"reportType": "customers", "parameters": {"country": "\U0001f69a"}}, "#/parameters/country"),
        ([], "#"),
        ("text", "#"),
        (7, "#"),
    ],
)
def test_bad_input_is_pointed_at(body: Any, pointer: str, api: APIClient) -> None:
    problem = assert_problem(post(api, body), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert not Job.objects.exists()


def test_a_type_that_the_user_may_not_order_is_unknown(api: APIClient, report_types: dict[str, ReportType]) -> None:
    @register
    class Wages(ReportType):
        identifier = "wages"
        title = "Wages"

        def may_order(self, user: Any) -> bool:
            return False

    body = assert_problem(post(api, {"reportType": "wages"}), 400, "unknown-report-type")
    assert "wages" not in body["reportTypes"]
    assert api.get("/api/report-types/wages").content == api.get("/api/report-types/none").content


def test_too_many_of_mine_waiting_is_429(api: APIClient) -> None:
    Queue.objects.filter(name="reports").update(max_queued_per_owner=1)
    assert post(api, ORDER).status_code == 202
    response = post(api, ORDER)
    assert_problem(response, 429, "owner-queue-full")
    assert response["Retry-After"] == "30"
    assert Job.objects.count() == 1


@pytest.mark.parametrize("dials", [{"max_queued": 0}, {"accepting": False}])
def test_a_full_or_closed_queue_is_503_and_leaves_no_row(dials: dict[str, Any], api: APIClient) -> None:
    Queue.objects.filter(name="reports").update(**dials)
    response = post(api, ORDER)
    assert_problem(response, 503, "queue-full")
    assert response["Retry-After"] == "30"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/reports"),
        ("get", "/api/reports"),
        ("get", "/api/reports/0190163d-8694-739b-aea5-966c26f8ad91"),
        ("get", "/api/reports/0190163d-8694-739b-aea5-966c26f8ad91/status"),
        ("get", "/api/reports/0190163d-8694-739b-aea5-966c26f8ad91/download"),
        ("get", "/api/operations/0190163d-8694-739b-aea5-966c26f8ad91"),
        ("get", "/api/report-types"),
        ("get", "/api/report-types/yearly-sales"),
    ],
)
@pytest.mark.parametrize("credentials", ["", "Bearer nonsense", "Token x", "Bearer", "Bearer a b"])
def test_without_a_valid_token_it_is_401(method: str, path: str, credentials: str) -> None:
    client = APIClient()
    if credentials:
        client.credentials(HTTP_AUTHORIZATION=credentials)
    response = getattr(client, method)(path, format="json")
    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_body_over_the_limit_is_413(api: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = assert_problem(post(api, {**ORDER, "x": "y" * 1000}), 413, "body-too-large")
    assert body["detail"] == "The body exceeds the limit of 1000 bytes."


def test_another_media_type_is_415(api: APIClient) -> None:
    response = api.post("/api/reports", "reportType=yearly-sales", content_type="application/x-www-form-urlencoded")
    assert_problem(response, 415, "unsupported-media-type")


def test_another_method_is_405(api: APIClient) -> None:
    assert_problem(api.put("/api/reports", ORDER, format="json"), 405, "method-not-allowed")


def test_somebody_elses_report_answers_exactly_as_an_unknown_one(api: APIClient) -> None:
    stranger = User.objects.create_user("stranger")
    job = Job.objects.create(kind="report", queue="reports", owner=stranger, payload={}, max_attempts=1)
    for path in ("", "/status", "/download"):
        theirs = api.get(f"/api/reports/{job.pk}{path}")
        unknown = api.get(f"/api/reports/0190163d-8694-739b-aea5-966c26f8ad91{path}")
        malformed = api.get(f"/api/reports/..%00{path}")
        assert_problem(theirs, 404, "not-found")
        assert theirs.content == unknown.content == malformed.content
    assert api.get("/api/reports").json()["results"] == []


def test_the_list_is_mine_newest_first_in_pages(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [post(api, ORDER).json()["id"] for _ in range(5)]
    with django_assert_num_queries(3):  # the token with its user, the page, its artifacts
        first = api.get("/api/reports?limit=3")
    page = first.json()
    assert [report["id"] for report in page["results"]] == ids[:1:-1]
    assert page["results"][0]["parameters"] == {"year": 2023}
    second = api.get(page["next"]).json()
    assert [report["id"] for report in second["results"]] == ids[1::-1]
    assert second["next"] is None


def test_a_page_of_waiting_reports_takes_as_many_queries_as_one(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        post(api, ORDER)
    with django_assert_num_queries(3):
        assert len(api.get("/api/reports").json()["results"]) == 20


@pytest.mark.parametrize("cursor", ["nonsense", "cD0x", "cD1ub3QtYS11dWlk", "%ff", "%00"])
def test_an_invalid_cursor_is_a_404_problem(cursor: str, api: APIClient) -> None:
    assert_problem(api.get(f"/api/reports?cursor={cursor}"), 404, "not-found")


def test_a_chunked_body_is_411_and_not_taken_for_an_empty_one(api: APIClient) -> None:
    response = api.post("/api/reports", ORDER, format="json", headers={"Transfer-Encoding": "chunked"})
    assert_problem(response, 411, "length-required")


def test_one_report_says_what_was_ordered(api: APIClient) -> None:
    made = post(api, ORDER).json()
    body = api.get(f"/api/reports/{made['id']}").json()
    assert (body["parameters"], body["csv"]["encoding"]) == ({"year": 2023}, "utf-8")
    assert body["statusURL"] == f"/api/reports/{made['id']}/status"


def test_one_report_says_what_happened_since_but_not_who_of_the_staff_did_it(api: APIClient, owner: User) -> None:
    order = post(api, ORDER).json()
    job = Job.objects.get()
    record_event(job.pk, Event.Name.STARTED, attempt=1, worker="csv@internal-host")
    record_event(job.pk, Event.Name.PROGRESS, attempt=1, percent=50, rows=7)
    record_event(job.pk, Event.Name.REQUEUED, actor="grace", reason="a secret of the house")
    answer = api.get(f"/api/reports/{order['id']}")
    lines = [{key: line[key] for key in line if key != "at"} for line in answer.json()["timeline"]]
    assert lines == [
        {"event": "submitted"},
        {"event": "started", "attempt": 1},
        {"event": "progress", "attempt": 1, "percent": 50},
        {"event": "requeued"},
    ]
    assert "timeline" not in api.get("/api/reports").json()["results"][0]
    for word in (b"internal-host", b"grace", b"secret"):
        assert word not in answer.content
    assert job.events.get(name="submitted").actor == owner.username


def test_the_timeline_of_a_report_has_the_uses_of_its_links(api: APIClient) -> None:
    order = post(api, ORDER).json()
    names = [Event.Name.SHARE_CREATED, Event.Name.SHARE_USED, Event.Name.SHARE_REVOKED]
    for name in names:
        record_event(Job.objects.get().pk, name, link="7")
    lines = api.get(f"/api/reports/{order['id']}").json()["timeline"]
    assert [{**line, "at": ""} for line in lines[1:]] == [{"at": "", "event": str(name)} for name in names]


def test_a_long_timeline_is_cut_to_its_newest_lines(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.api.timeline.LONGEST_TIMELINE", 2)
    order = post(api, ORDER).json()
    for name in (Event.Name.FAILED, Event.Name.RETRIED):
        record_event(Job.objects.get().pk, name)
    lines = api.get(f"/api/reports/{order['id']}").json()["timeline"]
    assert [line["event"] for line in lines] == ["failed", "retried"]


def test_report_types_come_with_a_json_schema(api: APIClient) -> None:
    results = api.get("/api/report-types").json()["results"]
    assert [known["identifier"] for known in results] == ["customers", "order-lines", "yearly-sales"]
    yearly = results[2]
    assert yearly == api.get("/api/report-types/yearly-sales").json()
    assert yearly["parameters"]["required"] == ["year"]
    assert yearly["parameters"]["properties"]["year"]["minimum"] == 1990
    assert yearly["parameters"]["additionalProperties"] is False


def test_the_schema_and_its_page_are_open(client: Any) -> None:
    assert client.get("/api/schema").status_code == 200
    assert client.get("/api/schema", headers={"Accept": "application/json"}).json()["openapi"] == "3.1.0"
    assert client.get("/api/docs").status_code == 200
