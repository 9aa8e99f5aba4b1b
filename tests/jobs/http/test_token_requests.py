"""Requests with a bearer token, which pass through fewer middleware than those of a browser."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings

from jobs.http.token_requests import has_token
from tests.support.ordering import ORDER
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

PATH = "/api/reports"


@pytest.fixture
def browser(owner: User) -> Client:
    """Signed in; its requests must prove that they come from a page."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    return client


def send(client: Client, method: str, path: str = PATH, *, authorization: str = "", **headers: str) -> Any:
    fields = {**headers, **({"Authorization": authorization} if authorization else {})}
    return getattr(client, method)(path, data=ORDER, content_type="application/json", headers=fields)


def test_a_browser_must_still_prove_that_it_comes_from_a_page(browser: Client) -> None:
    assert send(browser, "post").status_code == 403


@pytest.mark.parametrize("authorization", ["Bearer wrong", "bearer wrong", "BEARER  wrong", "Bearer", "Bearer a b"])
def test_a_wrong_token_is_never_replaced_by_a_session(authorization: str, browser: Client) -> None:
    for method in ("get", "post"):
        answer = send(browser, method, authorization=authorization)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearerx y", "Token a", "\xa0Bearer\xa0x"])
def test_another_scheme_does_not_switch_the_csrf_check_off(authorization: str, browser: Client) -> None:
    assert send(browser, "post", authorization=authorization).status_code in (401, 403)
    assert send(browser, "post", "/sign-out", authorization="Bearer x").status_code == 403, "not a path of the API"


def test_a_token_needs_no_csrf_token(owner: User, browser: Client) -> None:
    bearer = f"Bearer {bearer_of(owner)}"
    assert browser.get(PATH, headers={"Authorization": bearer}).status_code == 200
    answer = browser.post(
        "/api/tokens", data={"name": "x"}, content_type="application/json", headers={"Authorization": bearer}
    )
    assert answer.json()["code"] != "permission-denied"


@pytest.mark.parametrize("path", [PATH, "/api/docs", "/api/errors", "/api/schema", "/api/nothing"])
def test_a_response_has_the_header_fields_that_a_browser_gets(
    path: str, owner: User, client: Client, settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://a.example"]
    origin = {"Origin": "https://a.example"}
    client.force_login(owner)
    in_session = client.get(path, headers=origin)
    with_token = Client().get(path, headers={**origin, "Authorization": f"Bearer {bearer_of(owner)}"})
    assert with_token.status_code == in_session.status_code

    def fields(answer: Any) -> dict[str, object]:
        policy = sorted(answer.headers["Content-Security-Policy"].split("; "))
        of_session = {"RateLimit", "Vary", "ETag", "Content-Length"}  # counted for another client; the cookie's
        kept = {name: value for name, value in answer.headers.items() if name not in of_session}
        return {**kept, "Content-Security-Policy": policy}

    assert fields(with_token) == fields(in_session)
    assert "origin" in with_token["Vary"]
    assert "Cookie" not in with_token.get("Vary", "")


def test_it_is_counted_and_logged_like_any_other(owner: User, caplog: pytest.LogCaptureFixture) -> None:
    name, labels = "django_http_responses_total_by_status_total", {"status": "200"}
    before = REGISTRY.get_sample_value(name, labels) or 0.0
    headers = {"Authorization": f"Bearer {bearer_of(owner)}", "User-Agent": "curl/8"}
    assert Client().get(PATH, headers=headers, REMOTE_ADDR="198.51.100.7").status_code == 200
    assert REGISTRY.get_sample_value(name, labels) == before + 1
    [line] = [str(record.msg) for record in caplog.records if record.name.startswith("django_structlog")]
    for part in (f"'user_id': {owner.pk}", "'ip': '198.51.100.7'", "'code': 200", "'user_agent': 'curl/8'"):
        assert part in line


def test_a_page_is_never_answered_by_the_short_way(rf: Any) -> None:
    for path in ("/reports", "/admin/", "/apix", "/metrics"):
        assert not has_token(rf.get(path, headers={"Authorization": "Bearer x"}))
    assert has_token(rf.get(PATH, headers={"Authorization": "Bearer x"}))
