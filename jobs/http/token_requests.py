"""A short chain of middleware for requests with a bearer token.

Sessions, CSRF tokens, messages and pages are for browsers. A program that sends `Authorization: Bearer …` to the API
needs none of them, and passing through them took a quarter of the time of a status request.

This is safe because such a request has no session here: `request.user` is anonymous until DRF has checked the token,
and a wrong token gets 401, never the session of a cookie. A page of another site cannot make a browser send this
header, unless CORS allows its origin. All other requests take the whole chain, with sessions and CSRF checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

Handler = Callable[[HttpRequest], HttpResponseBase]

PATHS: Final = "/api/"
SCHEME: Final = "bearer"


def shorten_chain(get_response: Handler) -> Handler:
    """Middleware: requests with a bearer token go on through TOKEN_MIDDLEWARE instead of the rest of MIDDLEWARE."""
    short = ShortHandler(settings.TOKEN_MIDDLEWARE).answer

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not has_token(request):
            return get_response(request)
        request.user = AnonymousUser()
        return short(request)

    return middleware


def has_token(request: HttpRequest) -> bool:
    """Whether a request to the API has a bearer token, valid or not: `BearerAuthentication` answers it with or without
    a user, and no other authentication is tried."""
    if not request.path_info.startswith(PATHS):
        return False
    scheme, _, _ = request.META.get("HTTP_AUTHORIZATION", "").lstrip().partition(" ")
    return bool(scheme.rstrip().lower() == SCHEME)


class ShortHandler(BaseHandler):
    """Calls views through some middleware, as Django's own handler does through all of MIDDLEWARE."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        answer: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(paths):
            middleware = import_string(path)(answer)
            if hasattr(middleware, "process_view"):
                self._view_middleware.insert(0, middleware.process_view)
            if hasattr(middleware, "process_template_response"):
                self._template_response_middleware.append(middleware.process_template_response)
            if hasattr(middleware, "process_exception"):
                self._exception_middleware.append(middleware.process_exception)
            answer = convert_exception_to_response(middleware)
        self.answer: Handler = answer
