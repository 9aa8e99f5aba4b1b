"""Middleware that refuses chunked requests and answers requests that hit an outage."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from jobs.http.outages import outage_response
from jobs.http.problems import problem_response
from jobs.postgres.outages import is_outage


def require_content_length(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 411 (RFC 9110) to a chunked body: under WSGI Django cannot read it, and would take the order as empty."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return problem_response(request, 411, "length-required", "Send the body with Content-Length, not chunked.")
        return get_response(request)

    return middleware


class AnswerOutages:
    """Answer 503 if a view hits an outage of PostgreSQL, before other middleware treats the error as a bug.

    An outage within middleware goes to `jobs.http.fallbacks.server_error`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Only call the view."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django with the exception of a view."""
        return outage_response(request, error) if is_outage(error) else None
