"""PostgreSQL or the storage of files cannot be used: 503 with `Retry-After`, whoever met the error."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.template import loader

from jobs.api.problems import problem_response
from jobs.classification import sqlstate
from jobs.errors import StorageUnavailableError
from jobs.redaction import redact
from jobs.statements import is_outdated_plan

logger = structlog.get_logger(__name__)

DETAIL: Final = "The database cannot be used at the moment. Send the request again later."
STORAGE_DETAIL: Final = "The storage of files cannot be used at the moment. Send the request again later."
#: After how long to come back. Seconds.
RETRY_AFTER: Final = 5
RETRY_AFTER_CONFLICT: Final = 1

#: Classes of SQLSTATE, or single ones, that tell of the server and not of the statement.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
OUTAGES: Final = (
    "08",  # connection
    "25006",  # a write in a read-only transaction: a standby, after a failover
    "25P03", "25P04",  # the session or the transaction was idle, or open, for too long
    "53",  # out of connections, memory, disk
    "55P03",  # a lock was not free in time
    "57",  # shutdown, restart, statement timeout
    "58",  # I/O
)  # fmt: skip
#: Deadlock, serialization failure: because of another transaction, and the same request may succeed at once.
CONFLICTS: Final = ("40",)


def is_outage(error: BaseException | None) -> bool:
    """Whether the server is the reason, and not the statement, which would be a fault of ours and a 500."""
    if isinstance(error, StorageUnavailableError):
        return True
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    state = sqlstate(error)
    if state is None:  # of libpq: no connection, or one that was cut
        return isinstance(error, OperationalError | InterfaceError)
    return state.startswith(OUTAGES + CONFLICTS) or is_outdated_plan(error)


def outage_response(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A problem for the API, else a page."""
    if isinstance(error, StorageUnavailableError):
        logger.warning("storage_unavailable", error=redact(str(error)))
        problem = problem_response(request, 503, "storage-unavailable", STORAGE_DETAIL)
        return _answer(request, problem, what="The storage of files", retry_after=RETRY_AFTER)
    state = sqlstate(error)
    is_conflict = state is not None and not state.startswith(OUTAGES)
    logger.warning("database_unavailable", sqlstate=state, error=str(error).partition("\n")[0])
    for connection in connections.all(initialized_only=True):
        if not is_conflict and not connection.in_atomic_block:
            connection.close()  # the next request may reach another server
    problem = problem_response(request, 503, "database-unavailable", DETAIL)
    wait = RETRY_AFTER_CONFLICT if is_conflict else RETRY_AFTER
    return _answer(request, problem, what="The database", retry_after=wait)


def _answer(request: HttpRequest, problem: HttpResponse, *, what: str, retry_after: int) -> HttpResponse:
    response = problem
    if not request.path.startswith("/api/"):
        response = HttpResponse(loader.render_to_string("503.html", {"what": what}), status=503)
    response["Retry-After"] = str(retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log a traceback for each request
    return response
