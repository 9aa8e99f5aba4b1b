"""What a token may do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from jobs.http.views import ApiView
from jobs.models import Job
from jobs.states import State
from jobs.tokens.permissions import scopes_needed
from jobs.tokens.scopes import known_scopes
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

ORDER = {"reportType": "yearly-sales", "parameters": {"year": 2023}}


def client_with(user: User, *scopes: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(user, *scopes)}")
    return client


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("get", "/api/reports", "reports:read"),
        ("head", "/api/reports", "reports:read"),
        ("get", "/api/reports/{}", "reports:read"),
        ("get", "/api/reports/{}/status", "reports:read"),
        ("get", "/api/reports/{}/download", "reports:read"),
        ("get", "/api/operations/{}", "reports:read"),
        ("get", "/api/report-types", "reports:read"),
        ("get", "/api/report-types/yearly-sales", "reports:read"),
        ("post", "/api/reports", "reports:order"),
        ("post", "/api/reports/preview", "reports:order reports:read"),
        ("post", "/api/reports/{}/retry", "reports:order"),
        ("delete", "/api/reports/{}", "reports:order"),
        ("get", "/api/calls", "calls:read"),
        ("head", "/api/calls", "calls:read"),
        ("get", "/api/call-types", "calls:read"),
        ("get", "/api/call-types/doubles", "calls:read"),
        ("post", "/api/calls", "calls:order"),
        ("get", "/api/tokens", "tokens:manage"),
        ("post", "/api/tokens", "tokens:manage"),
        ("delete", "/api/tokens/{}", "tokens:manage"),
    ],
)
def test_each_act_needs_its_scopes(
    method: str, path: str, scopes: str, owner: User, make_job: Callable[..., Job]
) -> None:
    payload: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}
    path = path.format(make_job(kind="report", state=State.CANCELLED, payload=payload).pk)
    for scope in scopes.split():
        others = [known for known in known_scopes() if known != scope]
        refused = getattr(client_with(owner, *others), method)(path, ORDER, format="json")
        assert refused.status_code == 403
        assert refused["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{scopes}"'
        if method != "head":
            assert refused.json()["code"] == "insufficient-scope"
            assert refused.json()["detail"] == f"This token lacks the scope {scope}."
    for enough in (scopes.split(), ["*"]):
        assert getattr(client_with(owner, *enough), method)(path, ORDER, format="json").status_code != 403


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/api/calls/{}", "calls:read"),
        ("get", "/api/calls/{}/status", "calls:read"),
        ("get", "/api/calls/{}/result", "calls:read"),
        ("head", "/api/calls/{}/result", "calls:read"),
        ("get", "/api/calls/{}/steps", "calls:read"),
        ("get", "/api/operations/{}", "calls:read"),
        ("post", "/api/calls/{}/retry", "calls:order"),
        ("delete", "/api/calls/{}", "calls:order"),
    ],
)
def test_each_act_on_a_call_needs_its_scope(
    method: str, path: str, scope: str, owner: User, make_job: Callable[..., Job]
) -> None:
    payload: dict[str, Any] = {"callType": "x", "parameters": {}}
    path = path.format(make_job(kind="call", queue="calls", state=State.CANCELLED, payload=payload).pk)
    others = [known for known in known_scopes() if known != scope]
    refused = getattr(client_with(owner, *others), method)(path)
    assert refused.status_code == 403
    assert refused["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'
    for enough in (scope, "*"):
        assert getattr(client_with(owner, enough), method)(path).status_code != 403


def test_a_session_may_do_everything(owner: User) -> None:
    client = APIClient()
    client.force_login(owner)
    assert client.post("/api/reports", ORDER, format="json").status_code == 202


def test_another_method_is_405_whatever_the_scopes(owner: User) -> None:
    assert client_with(owner, "tokens:manage").delete("/api/reports").status_code == 405


def test_every_view_names_a_scope_that_is_known_for_each_of_its_methods() -> None:
    views = [view for view in api_views(get_resolver().url_patterns) if issubclass(view, ApiView)]
    assert len(views) > 8
    for view in views:
        known = [method for method in ("get", "head", "post", "put", "patch", "delete") if hasattr(view, method)]
        methods = {"GET" if method == "head" else method.upper() for method in known}
        assert set(view.scopes) == methods, view
        assert {scope for method in methods for scope in scopes_needed(view, method)} <= set(known_scopes()), view


def api_views(patterns: list[URLPattern | URLResolver]) -> list[Any]:
    found: list[Any] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += api_views(pattern.url_patterns)
        elif view := getattr(pattern.callback, "cls", None):
            found.append(view)
    return found
