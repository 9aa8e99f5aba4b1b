"""Classifies errors: whether a retry may help, and the text that the owner sees."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from celery.exceptions import SoftTimeLimitExceeded
from django.utils.translation import gettext_noop as _

from jobs.errors import (
    ArtifactError,
    HandlerError,
    HardTimeLimitError,
    OutOfMemoryError,
    PermanentError,
    RetryableError,
    StalledError,
    StatementTimeoutError,
    UnknownKindError,
    WorkerLostError,
)

#: SQLSTATEs, or their classes, that the same statement would get again. All others may be temporary, such as
#: 08 connection, 23 a constraint (two writers at once), 40 serialization and deadlock (a replica's recovery
#: conflict is 40001), 53 disk full and other resources, 55 lock, 57 shutdown, restart and statement timeout, 58 I/O.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
PERMANENT_SQLSTATES = (
    "0A",  # feature not supported
    "21",  # cardinality violation
    "22",  # data exception
    "25001",  # the mode of a transaction set in its middle, which no handler's own code does
    "25006",  # a write in a read-only transaction
    "3D000",  # undefined database
    "3F",  # undefined schema
    "42",  # syntax error, undefined column or table, insufficient privilege
    "54",  # program limit exceeded
)

STORAGE_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Failure:
    """`code` and `detail` are shown to the owner of the job, so they contain no internals."""

    permanent: bool
    code: str
    detail: str

    def as_result(self) -> dict[str, dict[str, str | bool]]:
        """The `result` of a job with this failure."""
        return {"error": {"code": self.code, "detail": self.detail, "retryable": not self.permanent}}


def classify(error: BaseException) -> Failure:
    """Classify any exception. The owner sees only the text of a HandlerError, because others may contain internals."""
    match error:
        case PermanentError():
            return Failure(permanent=True, code=error.code, detail=error.public)
        case RetryableError():
            return Failure(permanent=False, code=error.code, detail=error.public)
        case HandlerError():
            return Failure(permanent=False, code="retryable-error", detail=error.public)
        case HardTimeLimitError() | SoftTimeLimitExceeded():
            return Failure(permanent=False, code="time-limit", detail=_("The job exceeded its time limit."))
        case OutOfMemoryError():
            detail = _("The job was stopped, probably because it needs more memory than is available.")
            return Failure(permanent=False, code="out-of-memory", detail=detail)
        case WorkerLostError():
            detail = _("The server process that worked on this job ended unexpectedly.")
            return Failure(permanent=False, code="worker-lost", detail=detail)
        case StalledError():
            return Failure(permanent=False, code="stalled", detail=str(error))
        case UnknownKindError():
            return Failure(permanent=True, code="unknown-kind", detail=_("No installed app can run this kind of job."))
        case MemoryError():
            return Failure(
                permanent=False, code="out-of-memory", detail=_("The job needs more memory than is available.")
            )
    return _classify_by_rule(error)


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of `error` or of its cause, if one of them comes from PostgreSQL."""
    for cause in causes(error):
        if isinstance(cause, psycopg.Error):
            return cause.sqlstate
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and the chain of its causes."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _classify_by_rule(error: BaseException) -> Failure:
    state = sqlstate(error)
    if state is not None and state.startswith(PERMANENT_SQLSTATES):
        return Failure(permanent=True, code="query-refused", detail=_("The database refused the query."))
    if state == psycopg.errors.QueryCanceled.sqlstate or isinstance(error, StatementTimeoutError):
        return Failure(permanent=False, code="time-limit", detail=_("The query exceeded its time limit."))
    if state is not None or any(isinstance(cause, psycopg.Error) for cause in causes(error)):
        detail = _("The database was not reachable, or ended the query.")
        return Failure(permanent=False, code="database-error", detail=detail)
    if isinstance(error, ArtifactError):
        return Failure(permanent=False, code="file-lost", detail=_("The file was lost in the storage."))
    if isinstance(error, OSError) and error.errno in STORAGE_FULL:
        return Failure(permanent=False, code="storage-full", detail=_("The storage has no space left for the file."))
    detail = _("An unexpected error occurred. Its details are kept for the administrators.")
    return Failure(permanent=False, code="internal-error", detail=detail)
