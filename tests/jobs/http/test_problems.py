"""Problems: the body, the pointers, and what comes from outside of DRF."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from rest_framework.exceptions import ErrorDetail
from rest_framework.test import APIClient

from jobs.http.problems import pointers

pytestmark = pytest.mark.django_db

DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000


def api(user: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(user)
    return client


def post(user: User, body: bytes) -> Any:
    return api(user).post("/api/reports", body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "The body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        (b'{"a": NaN}', "The body is not JSON: NaN is not allowed."),
        (b'{"a": 1, "a": 2}', "The body is not JSON: a key is repeated."),
        (b'{"reportType": "a\\u0000"}', "The body is not JSON: NUL is not allowed in text."),
        (b'{"reportType": "\\ud83d"}', "The JSON contains half of a surrogate pair."),
        (DEEP, "The JSON is nested too deeply."),
        ('{"reportType": "ü"}'.encode("latin-1"), None),
    ],
)
def test_a_malformed_body_is_400(body: bytes, detail: str | None, owner: User) -> None:
    response = post(owner, body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["code"] == "malformed-body"
    assert detail is None or problem["detail"] == detail


def test_a_backslash_before_u0000_is_no_nul(owner: User) -> None:
    response = post(owner, b'{"reportType": "\\\\u0000"}')
    assert json.loads(response.content)["code"] == "unknown-report-type"


def test_pointers_are_flat_and_escaped() -> None:
    detail = {
        "a": [ErrorDetail("one"), ErrorDetail("two")],
        "b": {"c/d~e": ["three"], "non_field_errors": ["four"]},
        "f": [{}, {"g": ["five"]}],
    }
    assert list(pointers(detail)) == [
        {"pointer": "#/a", "detail": "one"},
        {"pointer": "#/a", "detail": "two"},
        {"pointer": "#/b/c~1d~0e", "detail": "three"},
        {"pointer": "#/b", "detail": "four"},
        {"pointer": "#/f/1/g", "detail": "five"},
    ]


def test_an_unknown_path_of_the_api_is_a_problem(client: Client) -> None:
    response = client.get("/api/nonsense")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not-found"


def test_an_unknown_page_is_a_page(client: Client) -> None:
    response = client.get("/nonsense")
    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_session_without_its_csrf_token_is_refused(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/api/reports", b"{}", content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert response.json()["code"] == "permission-denied"


def test_a_crash_is_a_problem_without_internals(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("jobs.types.ordering.Ordering.place_order", crash)
    response = post(owner, b"{}")
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert json.loads(response.content)["code"] == "internal-error"
    assert b"secret" not in response.content


def test_a_crash_of_a_page_is_a_page_without_internals(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("jobs.pages.list_pages.list_jobs", crash)
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    response = client.get("/")
    assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"secret" not in response.content


def test_an_unknown_host_is_refused_in_the_form_of_what_was_asked_for(client: Client) -> None:
    api, page = (client.get(path, headers={"Host": "evil.example"}) for path in ("/api/nonsense", "/"))
    assert (api.status_code, api.json()["code"]) == (400, "bad-request")
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_a_form_without_its_csrf_token_is_refused() -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "a", "password": "b"})
    assert (response.status_code, response["Content-Type"]) == (403, "text/html; charset=utf-8")


def test_what_a_view_denies_is_refused_in_the_form_of_what_was_asked_for(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: Any, **__: Any) -> None:
        raise PermissionDenied("secret")

    monkeypatch.setattr("jobs.pages.list_pages.list_jobs", deny)
    monkeypatch.setattr("jobs.types.ordering.Ordering.place_order", deny)
    client = Client()
    client.force_login(owner)
    page, order = client.get("/"), post(owner, b"{}")
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert (order.status_code, json.loads(order.content)["code"]) == (403, "permission-denied")
    assert b"secret" not in page.content + order.content


@pytest.mark.parametrize("charset", ["shift_jis", "latin-1", '"utf-16"'])
def test_json_in_another_charset_is_415(charset: str, owner: User) -> None:
    response = api(owner).post("/api/reports", b"{}", content_type=f"application/json; charset={charset}")
    assert response.status_code == 415
    assert json.loads(response.content)["code"] == "unsupported-media-type"


def test_json_may_say_that_it_is_utf_8(owner: User) -> None:
    response = api(owner).post("/api/reports", b"{}", content_type="application/json; charset=UTF-8")
    assert json.loads(response.content)["code"] == "invalid-request"


def test_a_compressed_body_is_415_and_says_what_is_read(owner: User) -> None:
    headers = {"Content-Encoding": "gzip"}
    response = api(owner).post("/api/reports", b"\x1f\x8b", content_type="application/json", headers=headers)
    assert (response.status_code, response["Accept-Encoding"]) == (415, "identity")
    assert json.loads(response.content)["code"] == "unsupported-media-type"


def test_options_is_405_and_names_what_is_allowed(owner: User) -> None:
    response = api(owner).options("/api/reports")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST")
    assert json.loads(response.content)["code"] == "method-not-allowed"
