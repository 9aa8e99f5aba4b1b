"""Restricts pages to users who are signed in."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh

from jobs.models import Preferences
from jobs.pages.posting import View

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request with the attribute of `django_htmx.middleware`. For annotations only."""

    htmx: HtmxDetails


class SignedInRequest(HtmxRequest):
    """The request of a view that requires a signed-in user. For annotations only."""

    user: User


class PageRequest(SignedInRequest):
    """A signed-in user's request with the attribute of `jobs.pages.localization`. For annotations only."""

    preferences: Preferences


def signed_in_fragment(view: View) -> View:
    """`login_required` for a part of a page that htmx fetches.

    A redirect would put the sign-in form into the middle of the page. Reloading the whole page leads there and back.
    """
    page = login_required(view)

    @wraps(view)
    def wrapped(request: HtmxRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        if request.htmx and not request.user.is_authenticated:
            return HttpResponseClientRefresh()
        return page(request, *args, **kwargs)

    return wrapped
