"""Django's error views: a problem for the API, a page for people."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from jobs.http.outages import outage_response
from jobs.http.problems import is_for_programs, problem_response
from jobs.postgres.outages import is_outage


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 from outside of DRF."""
    if is_for_programs(request):
        return problem_response(request, 400, "bad-request", "The request cannot be understood.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 from outside of DRF."""
    if is_for_programs(request):
        return problem_response(request, 403, "permission-denied", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 of the resolver."""
    if is_for_programs(request):
        return problem_response(request, 404, "not-found", "There is no such resource.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: the log has the traceback, the answer has none of it. 503 where PostgreSQL cannot be used.

    Whatever a view or a middleware has raised comes here, and Django is still handling it.
    """
    error = sys.exception()
    if error is not None and is_outage(error):
        return outage_response(request, error)
    if is_for_programs(request):
        return problem_response(request, 500, "internal-error", "The server failed. The request may be repeated.")
    return defaults.server_error(request)
