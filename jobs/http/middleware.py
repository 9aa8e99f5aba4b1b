"""What must be refused before Django reads a request, and what becomes of a request that met an outage."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from jobs.http.outages import outage_response
from jobs.http.problems import problem_response
from jobs.postgres.outages import is_outage


def require_content_length(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 411 to a chunked body: WSGI lets Django read none of it, and an order must not look empty.

    RFC 9110 section 15.5.12.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return problem_response(
                request, 411, "length-required", "Send the body with a Content-Length, not chunked."
            )
        return get_response(request)

    return middleware


class AnswerOutages:
    """503 where a view has met an outage of PostgreSQL, before other middleware takes the error for a fault of ours.

    What middleware itself meets goes to `jobs.http.fallbacks.server_error`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing to do before or after the view."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django with what a view has raised."""
        return outage_response(request, error) if is_outage(error) else None
