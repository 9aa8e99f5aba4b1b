"""Errors as `application/problem+json` (RFC 9457). `jobs.api.problems` adds those of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from jobs.error_codes import title_of

MEDIA_TYPE = "application/problem+json"
#: Prefixes of the paths that programs request.
FOR_PROGRAMS = ("/api/", "/healthz", "/metrics")
#: The page that explains each code: a relative reference with a full path, as RFC 9457 section 3.1.1 recommends.
CATALOGUE = "/api/errors"

logger = structlog.get_logger(__name__)


class ProblemError(exceptions.APIException):
    """Raised by views. `extensions` become members of the body."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.problem_code = code
        self.retry_after = retry_after
        self.headers = headers or {}
        self.extensions = extensions


def problem_body(status: int, code: str, detail: str, **extensions: Any) -> dict[str, Any]:
    """The members of a problem object. `code` is for programs, `detail` for people.

    `jobs.error_codes` lists all our codes; a code of another app, such as that of a `PermanentError`, may be missing.
    """
    return {
        "type": f"{CATALOGUE}#{code}",
        "title": title_of(code) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **extensions,
    }


def problem_response(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """A problem from outside of DRF: the resolver, CSRF, a crash."""
    return JsonResponse(problem_body(status, code, detail), status=status, content_type=MEDIA_TYPE)


def is_for_programs(request: HttpRequest) -> bool:
    """Whether errors of the request are problems rather than pages for people."""
    return request.path.startswith(FOR_PROGRAMS)


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for an error that has no HTTP status: Django then answers 500."""
    if (described := _describe(error)) is None:
        return None
    status, code, detail, extensions = described
    response = Response(
        problem_body(status, code, detail, **extensions),
        status=status,
        content_type=MEDIA_TYPE,
        headers=getattr(error, "headers", None),
    )
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "retry_after", None) or getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def pointers(detail: Any, path: str = "#") -> Iterator[dict[str, str]]:
    """DRF's nested error details as flat `{pointer, detail}` with JSON pointers (RFC 6901)."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from pointers(value, path if key == "non_field_errors" else f"{path}/{step}")
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, item in enumerate(detail):
            yield from pointers(item, f"{path}/{index}")
    else:
        for message in detail if isinstance(detail, list) else [detail]:
            yield {"pointer": path, "detail": str(message)}


def _describe(error: Exception) -> tuple[int, str, str, dict[str, Any]] | None:
    match error:
        case ProblemError():
            return error.status_code, error.problem_code, str(error.detail), error.extensions
        case exceptions.ValidationError():
            errors = list(pointers(error.detail))
            return 400, "invalid-request", "The request is not valid; see errors.", {"errors": errors}
        case Http404():
            return 404, "not-found", "There is no such resource.", {}
        case PermissionDenied():
            return 403, "permission-denied", "You may not do this.", {}
        case exceptions.APIException():
            code = str(error.default_code).replace("_", "-")
            return error.status_code, CODES.get(code, code), str(error.detail), {}
    return None


#: DRF's codes → ours, if they differ.
CODES = {"parse-error": "malformed-body", "authentication-failed": "not-authenticated"}
