"""Tokens and demo accounts from the command line."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.models.token import ApiToken

pytestmark = pytest.mark.django_db


def created(**options: Any) -> str:
    out = StringIO()
    call_command("create_token", "ada", stdout=out, **options)
    return out.getvalue()


def test_the_token_stands_alone_on_stdout_and_works(owner: User) -> None:
    printed = created()
    token = printed.strip()
    assert printed == f"{token}\n"
    assert len(token) == 64
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/api/reports").status_code == 200
    assert not ApiToken.objects.filter(digest=token).exists()


def test_a_token_ends(owner: User) -> None:
    created(days=3)
    expiry = ApiToken.objects.get().expiry
    assert expiry is not None
    assert abs(expiry - timezone.now() - timedelta(days=3)) < timedelta(minutes=1)
    token = created(days=1).strip()
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/api/reports").status_code == 401


def test_nobody_gets_no_token() -> None:
    with pytest.raises(CommandError, match="there is no user named ada"):
        created()


def test_an_inactive_user_gets_no_token(owner: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="the account of ada is deactivated"):
        created()


def test_a_token_for_no_days_is_refused(owner: User) -> None:
    with pytest.raises(CommandError, match="1 or more"):
        created(days=0)


def test_demo_accounts_exist_only_beside_embedded_servers(settings: Settings) -> None:
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="only where Longhaul starts its own"):
        call_command("create_demo_accounts")
    assert not User.objects.exists()


def test_demo_accounts_are_made_once(settings: Settings) -> None:
    settings.EMBEDDED = True
    call_command("create_demo_accounts", stdout=StringIO())
    User.objects.filter(username="demo").update(first_name="kept")
    call_command("create_demo_accounts", stdout=StringIO())
    assert list(User.objects.order_by("username").values_list("username", "is_staff", "first_name")) == [
        ("demo", False, "kept"),
        ("staff", True, ""),
    ]


def test_an_operator_is_not_held_to_the_limit_of_a_user(owner: User, settings: Settings) -> None:
    settings.TOKENS_PER_USER = 1
    assert len({created() for _ in range(3)}) == 3


def test_a_token_may_be_for_some_scopes(owner: User) -> None:
    created(scopes=["reports:read"], name="nightly")
    token = ApiToken.objects.get()
    assert (token.name, token.scopes) == ("nightly", ["reports:read"])
    with pytest.raises(CommandError, match=r"there is no scope reports:eat; the scopes are: \*, callbacks:read"):
        created(scopes=["reports:eat"])
