"""Who may read `/metrics`, and that all processes of a web server tell the same."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.contrib.auth.models import Group, User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from jobs.models import Queue
from tests.support.stack import METRICS_TOKEN
from tests.support.tokens import bearer_of

TOKEN = "a-token-of-the-test's-own"


def samples(text: str) -> dict[tuple[str, str], float]:
    """By name and the labels' values."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def token(settings: Settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


@pytest.mark.django_db
def test_who_has_the_token_reads_them(client: Client, token: str) -> None:
    response = client.get("/metrics", headers={"authorization": f"bearer {token}"})
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert "no-store" in response["Cache-Control"]
    told = samples(response.content.decode())
    assert told["longhaul_queue_max_running", "reports"] == 4
    assert ("django_http_requests_before_middlewares_total", "") in told
    assert ("longhaul_admissions_refused_total", "reports closed") in told


@pytest.mark.django_db
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer \u00e9", f"Basic {TOKEN}"])
def test_nobody_else_does(authorization: str, client: Client, token: str) -> None:
    response = client.get("/metrics", headers={"authorization": authorization})
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert b"longhaul_" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", ""])
def test_without_a_token_in_the_settings_none_will_do(authorization: str, client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": authorization}).status_code == 401


@pytest.mark.django_db
def test_an_api_token_is_none_for_metrics(client: Client, token: str) -> None:
    bearer = bearer_of(User.objects.create_superuser("root"))
    assert client.get("/metrics", headers={"authorization": f"Bearer {bearer}"}).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("staff", "role", "expected"), [(True, "viewer", 200), (True, None, 401), (False, "viewer", 401)]
)
def test_staff_who_may_see_jobs_read_them_in_a_browser(
    staff: bool, role: str | None, expected: int, client: Client
) -> None:
    user = User.objects.create_user("grace", is_staff=staff)
    if role:
        user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    assert client.get("/metrics").status_code == expected


def test_they_can_only_be_read(client: Client) -> None:
    response = client.post("/metrics")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db(transaction=True)
def test_refusals_of_all_processes_are_added_up(live_url: str) -> None:
    Queue.objects.filter(name="reports").update(accepting=False)
    bearer = bearer_of(User.objects.create_user("ada"))

    def refusals() -> float:
        answer = requests.get(f"{live_url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return samples(answer.text)["longhaul_admissions_refused_total", "reports closed"]

    def order(_: int) -> int:
        body = {"reportType": "yearly-sales", "parameters": {"year": "2023"}}
        headers = {"Authorization": f"Bearer {bearer}"}
        return requests.post(f"{live_url}/api/reports", json=body, headers=headers, timeout=10).status_code

    before = refusals()
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(order, range(40))) == {503}
    assert {refusals() - before for _ in range(6)} == {40}
