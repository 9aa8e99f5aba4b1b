"""Conditional requests for JSON (RFC 9110 section 13): the ETag is a hash of the body, and a match gets 304."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework.request import Request

from jobs.http.problems import ProblemError, problem_response

#: Headers that a 304 needs in addition to those that Django keeps.
KEPT: Final = ("Retry-After", "RateLimit", "RateLimit-Policy")

#: Headers with a list of any length.
LISTS: Final = ("If-Match", "If-None-Match", "If-Range", "Prefer", "Range")
LONGEST_LIST: Final = 4000  # characters


def refuse_long_fields(request: Request) -> None:
    """Raise ProblemError (400) for headers that exceed the limit in the schema."""
    if long := [name for name in LISTS if len(request.headers.get(name, "")) > LONGEST_LIST]:
        raise ProblemError(
            400,
            "invalid-request",
            "The request is not valid; see errors.",
            errors=[{"pointer": name, "detail": f"It has more than {LONGEST_LIST} characters."} for name in long],
        )


def answer_conditionally(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response to a GET or HEAD with an ETag; or 304 or 412, depending on the request's preconditions."""
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
