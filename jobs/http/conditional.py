"""Conditional requests for JSON (RFC 9110 section 13): the ETag is of the body, and who has it gets 304."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework.request import Request

from jobs.http.problems import ProblemError, problem_response

#: What a client needs with a 304, beside the fields that Django keeps.
KEPT: Final = ("Retry-After", "RateLimit", "RateLimit-Policy")

#: Header fields that hold a list of any length, and the characters that they may have.
LISTS: Final = ("If-Match", "If-None-Match", "If-Range", "Range")
LONGEST_LIST: Final = 4000


def refuse_long_fields(request: Request) -> None:
    """Raises ProblemError (400): the schema has a bound, so the server holds it."""
    if long := [name for name in LISTS if len(request.headers.get(name, "")) > LONGEST_LIST]:
        raise ProblemError(
            400,
            "invalid-request",
            "The request is not valid; see errors.",
            errors=[{"pointer": name, "detail": f"It has more than {LONGEST_LIST} characters."} for name in long],
        )


def answer_conditionally(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response to a GET or HEAD with its ETag; or 304 or 412, as the request's preconditions say."""
    set_response_etag(response)
    etag = response["ETag"]
    answer = get_conditional_response(request, etag=etag, response=response) or response
    if answer.status_code == 412:
        answer = problem_response(
            request, 412, "precondition-failed", "The resource has changed since the version named in If-Match."
        )
        answer["ETag"] = etag
    for name in KEPT:
        if name in response:
            answer[name] = response[name]
    return answer
