"""Who sends a bearer token."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from jobs.models.token import ApiToken
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

PATH = "/api/report-types"


def get(bearer: str) -> Any:
    return APIClient(raise_request_exception=False).get(PATH, headers={"Authorization": f"Bearer {bearer}"})


def test_a_token_is_found_by_one_look_however_many_there_are(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    bearers = [bearer_of(owner) for _ in range(5)]
    assert get(bearers[3]).status_code == 200
    with django_assert_num_queries(1):  # token and user; its use is noted once a minute
        assert get(bearers[3]).status_code == 200


def test_its_use_is_noted_once_a_minute(owner: User) -> None:
    bearer = bearer_of(owner)
    assert ApiToken.objects.get().last_used_at is None
    get(bearer)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    assert abs(first - timezone.now()) < timedelta(seconds=30)
    get(bearer)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    get(bearer)
    assert ApiToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    "change",
    [
        lambda: ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1)),
        lambda: ApiToken.objects.all().delete(),
        lambda: User.objects.update(is_active=False),
    ],
    ids=["over", "revoked", "of an inactive user"],
)
def test_a_token_that_is_not_valid_any_more_is_401(change: Any, owner: User) -> None:
    bearer = bearer_of(owner)
    change()
    answer = get(bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("bearer", ["\xff\xfe", "\x00", "x" * 5000, "ü", "'; DROP TABLE jobs_apitoken"])
def test_nonsense_is_401(bearer: str, owner: User) -> None:
    assert get(bearer).status_code == 401


def test_a_token_may_have_a_limit_of_its_own(owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.http.counters._silent_until", 0.0)
    bearer = bearer_of(owner)
    ApiToken.objects.update(requests_per_minute=1)
    assert get(bearer)["RateLimit-Policy"] == '"requests";q=1;w=60'
    assert get(bearer).status_code == 429
