"""The requests of pages whose users are signed in."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

from jobs.models import Preferences


class SignedInRequest(HttpRequest):
    """The request of a view that requires a signed-in user. For annotations only."""

    user: User


class PageRequest(SignedInRequest):
    """A signed-in user's request with the attribute of `jobs.pages.localization`. For annotations only."""

    preferences: Preferences
