"""The response to an outage of PostgreSQL or the file storage: 503 with `Retry-After`."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.translation import gettext_lazy as _

from jobs.classification import sqlstate
from jobs.errors import StorageUnavailableError
from jobs.http.problems import is_for_programs, problem_response
from jobs.payloads.redaction import redact
from jobs.postgres.outages import is_conflict

logger = structlog.get_logger(__name__)

#: `Retry-After` in seconds.
RETRY_AFTER: Final = 5
RETRY_AFTER_CONFLICT: Final = 1
#: Heading of the page, by whether it is the storage that is unavailable.
HEADINGS: Final = {
    False: _("The database is unavailable or took too long to answer"),
    True: _("The file storage is unavailable or took too long to answer"),
}


def outage_response(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A problem for the API, else a page."""
    storage, conflict = isinstance(error, StorageUnavailableError), is_conflict(error)
    if storage:
        logger.warning("storage_unavailable", error=redact(str(error)))
    else:
        logger.warning("database_unavailable", sqlstate=sqlstate(error), error=str(error).partition("\n")[0])
        for connection in connections.all(initialized_only=True):
            if not conflict and not connection.in_atomic_block:
                connection.close()  # the next request may reach another server
    what = "The file storage" if storage else "The database"
    if is_for_programs(request):
        detail = f"{what} is unavailable or took too long to answer. Send the request again later."
        response = problem_response(request, 503, "storage-unavailable" if storage else "database-unavailable", detail)
    else:
        response = HttpResponse(loader.render_to_string("503.html", {"heading": HEADINGS[storage]}), status=503)
    response["Retry-After"] = str(RETRY_AFTER_CONFLICT if conflict else RETRY_AFTER)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log a traceback for each request
    return response
