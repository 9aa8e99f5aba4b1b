"""Views that accept only the POST of a form on a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

View = Callable[..., HttpResponseBase]


def post_only_from(page: str, *named: str) -> Callable[[View], View]:
    """`require_POST` and `login_required` for a form on the page of this name; `named` are the arguments of its path.

    A user whose session has expired signs in again, and is redirected to the form's address with a GET. This leads on
    to the page, where the user can repeat the action.
    """

    def decorate(view: View) -> View:
        post = require_POST(login_required(view))

        @wraps(view)
        def wrapped(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
            if request.method in ("GET", "HEAD"):
                return HttpResponseRedirect(reverse(page, kwargs={name: kwargs[name] for name in named}))
            return post(request, *args, **kwargs)

        return wrapped

    return decorate
