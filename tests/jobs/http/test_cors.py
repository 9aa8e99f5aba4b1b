"""Requests of pages of other origins."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.support.openapi import documented_operations
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example.com"
#: Header fields that any script may read (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
SAFE = {"Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified"}


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def preflight(client: Client, path: str, *, origin: str = ORIGIN, method: str = "POST", fields: str = "") -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": fields}
    return client.options(path, headers={name: value for name, value in headers.items() if value})


def test_a_preflight_is_answered_without_a_token(client: Client) -> None:
    fields = "authorization, content-type, idempotency-key, if-match, if-none-match, if-range, prefer, range"
    answer = preflight(client, "/api/reports", fields=fields)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert set(fields.split(", ")) <= set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"GET", "POST", "PUT", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    assert answer["Access-Control-Max-Age"] == "86400"
    assert "Access-Control-Allow-Credentials" not in answer


def test_scripts_may_send_the_fields_of_tus(client: Client) -> None:
    """Those of tus-js-client and Uppy, with all their options."""
    fields = "tus-resumable, upload-length, upload-metadata, upload-offset, upload-checksum, x-http-method-override, "
    answer = preflight(client, "/api/uploads/resumable/x", method="PATCH", fields=f"{fields}x-request-id")
    assert set(fields.split(", ")) - {""} <= set(answer["Access-Control-Allow-Headers"].split(", "))
    assert "PATCH" in answer["Access-Control-Allow-Methods"]


def test_a_script_of_an_allowed_origin_reads_all_fields_that_the_schema_names(client: Client) -> None:
    owner = User.objects.create_user("ada")
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {bearer_of(owner)}"}
    answer = client.get("/api/report-types", headers=headers)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    responses = [response for one in documented_operations() for response in one["responses"].values()]
    documented = {name for response in responses for name in response.get("headers", {})}
    assert len(documented) > 10
    assert documented - SAFE - {"Access-Control-Allow-Origin"} <= set(
        answer["Access-Control-Expose-Headers"].split(", ")
    )


def test_an_error_can_be_read_too(client: Client) -> None:
    answer = client.get("/api/reports", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, ORIGIN)
    answer = client.post("/api/reports", headers={"Origin": ORIGIN, "Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (411, ORIGIN)


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/api/reports", "https://evil.example.com"),
        ("/api/reports", "null"),
        ("/api/reports", f"{ORIGIN}.evil.example"),
        ("/api/reports", ORIGIN.replace("https", "http")),
        ("/sign-in", ORIGIN),
        ("/tokens", ORIGIN),
        ("/admin/", ORIGIN),
        ("/metrics", ORIGIN),
    ],
)
def test_nothing_else_is_shared(path: str, origin: str, client: Client) -> None:
    for answer in (client.get(path, headers={"Origin": origin}), preflight(client, path, origin=origin)):
        assert "Access-Control-Allow-Origin" not in answer
    assert "Access-Control-Allow-Origin" in client.get("/api/reports", headers={"Origin": ORIGIN})


def test_it_is_off_by_default(client: Client, settings: Settings) -> None:
    assert "Access-Control-Allow-Origin" in preflight(client, "/api/reports")
    settings.CORS_ALLOWED_ORIGINS = []
    assert "Access-Control-Allow-Origin" not in preflight(client, "/api/reports")
