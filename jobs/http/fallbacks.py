"""Django's error views: a problem for the API, a page for people."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from jobs.http.outages import outage_response
from jobs.http.problems import is_for_programs, problem_response
from jobs.postgres.outages import is_outage

View = Callable[[HttpRequest, Exception], HttpResponse]


def _view(status: int, code: str, detail: str, page: View) -> View:
    """The view for an error that was raised outside of DRF."""

    def view(request: HttpRequest, exception: Exception) -> HttpResponse:
        return problem_response(request, status, code, detail) if is_for_programs(request) else page(request, exception)

    return view


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; for a form that is larger than DATA_UPLOAD_MAX_MEMORY_SIZE or has too many fields, a page with 413."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent) and not is_for_programs(request):
        return HttpResponse(loader.render_to_string("413.html"), status=413)
    return _bad_request(request, exception)


_bad_request = _view(400, "bad-request", "The request cannot be understood.", defaults.bad_request)
permission_denied = _view(403, "permission-denied", "You may not do this.", defaults.permission_denied)
not_found = _view(404, "not-found", "There is no such resource.", defaults.page_not_found)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, with the traceback only in the log; 503 if PostgreSQL is unavailable.

    Django calls it while handling the error of a view or a middleware.
    """
    error = sys.exception()
    if error is not None and is_outage(error):
        return outage_response(request, error)
    if is_for_programs(request):
        return problem_response(request, 500, "internal-error", "The server failed. You can send the request again.")
    return defaults.server_error(request)
