"""PostgreSQL or the storage of files cannot be used: 503 with `Retry-After`, whoever met the error."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template import loader

from jobs.classification import sqlstate
from jobs.errors import StorageUnavailableError
from jobs.http.problems import is_for_programs, problem_response
from jobs.payloads.redaction import redact
from jobs.postgres.outages import is_conflict

logger = structlog.get_logger(__name__)

DETAIL: Final = "The database is unavailable or took too long to answer. Send the request again later."
STORAGE_DETAIL: Final = "The storage of files is unavailable or took too long to answer. Send the request again later."
#: After how long to come back. Seconds.
RETRY_AFTER: Final = 5
RETRY_AFTER_CONFLICT: Final = 1


def outage_response(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A problem for the API, else a page."""
    if isinstance(error, StorageUnavailableError):
        logger.warning("storage_unavailable", error=redact(str(error)))
        problem = problem_response(request, 503, "storage-unavailable", STORAGE_DETAIL)
        return _answer(request, problem, what="The storage of files", retry_after=RETRY_AFTER)
    may_succeed_now = is_conflict(error)
    logger.warning("database_unavailable", sqlstate=sqlstate(error), error=str(error).partition("\n")[0])
    for connection in connections.all(initialized_only=True):
        if not may_succeed_now and not connection.in_atomic_block:
            connection.close()  # the next request may reach another server
    problem = problem_response(request, 503, "database-unavailable", DETAIL)
    wait = RETRY_AFTER_CONFLICT if may_succeed_now else RETRY_AFTER
    return _answer(request, problem, what="The database", retry_after=wait)


def _answer(request: HttpRequest, problem: HttpResponse, *, what: str, retry_after: int) -> HttpResponse:
    response = problem
    if not is_for_programs(request):
        response = HttpResponse(loader.render_to_string("503.html", {"what": what}), status=503)
    response["Retry-After"] = str(retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log a traceback for each request
    return response
