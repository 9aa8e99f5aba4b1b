"""What must be refused before Django reads a request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from jobs.api.problems import problem_response


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
