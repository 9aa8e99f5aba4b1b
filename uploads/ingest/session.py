"""The database session of one attempt: its temporary tables live as long as it does."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from jobs.classification import sqlstate
from jobs.context import JobContext
from jobs.errors import PostponedError, RetryableError
from jobs.models.queues import Pace
from jobs.pacing.dials import dials_for
from jobs.pacing.governor import Governor, governed_beside
from tabular.copy_stream import CHUNK_BYTES
from tabular.rows import Rows
from uploads.types import UploadType

logger = structlog.get_logger(__name__)

#: Temporary tables stay in memory up to this size, which must be set before the first of them.
TEMP_BUFFERS: Final = "32MB"
WORK_MEMORY: Final = "32MB"
#: How long a statement waits for rows or tables that others have locked. Meanwhile it keeps its own locks.
LONGEST_LOCK_WAIT: Final = "10s"
LOCK_NOT_AVAILABLE: Final = "55P03"
#: A chunk of rows that are paced: small enough for them to flow evenly. Bytes.
PACED_CHUNK_BYTES: Final = 32 * 1024

#: The found sessions are materialized: a function in the same WHERE could be called for others, too.
END_EARLIER_SESSIONS: Final = (
    "WITH earlier AS MATERIALIZED (SELECT pid FROM pg_stat_activity"
    " WHERE application_name = current_setting('application_name')"
    " AND datname = current_database() AND usename = current_user AND pid <> pg_backend_pid())"
    " SELECT pid FROM earlier WHERE pg_terminate_backend(pid)"
)


class SessionLostError(RetryableError):
    """The session ended, and its temporary tables with it, so the attempt cannot go on."""

    def __init__(self) -> None:
        super().__init__("The connection to the database was lost.")


class TargetLockedError(PostponedError):
    """Somebody keeps rows of the table locked, or the table itself. The attempt is made again, and does not count."""

    def __init__(self) -> None:
        super().__init__("Somebody has locked rows of the table. The upload is tried again later.")


@contextmanager
def postponed_if_locked() -> Iterator[None]:
    """Raise TargetLockedError if a statement of the block has waited for a lock for too long."""
    try:
        yield
    except (DatabaseError, psycopg.Error) as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise TargetLockedError from error
        raise


def open_session(context: JobContext, upload_type: UploadType, alias: str, *, name: str = "longhaul") -> Session:
    """A new session on the database `alias`, named after the job, which lasts as long as the attempt.

    It is Django's own connection, because the merge must be in one transaction with the end of the job. Statements can
    be canceled while the attempt runs. It is paced if the dials are set for that when it begins.
    """
    dials = dials_for(context.job, upload_type.dials)
    timeout = dials.statement_timeout_seconds
    connection = context.resources.enter_context(
        _new_connection(alias, application_name=f"{name} {context.job.pk}", statement_timeout_seconds=timeout)
    )
    context.resources.enter_context(context.interruptible(connection.connection.cancel_safe))
    governor: Governor | None = None
    if dials.rows_per_second is not None or dials.pace == Pace.AUTO:
        governor = context.resources.enter_context(governed_beside(context, upload_type.dials, alias=alias))
    return Session(connection, check=context.check, governor=governor)


@contextmanager
def _new_connection(
    alias: str, *, application_name: str, statement_timeout_seconds: int | None
) -> Iterator[BaseDatabaseWrapper]:
    """Django's connection, closed at the end together with its temporary tables.

    Texts of dates are read as ISO 8601 and in the default time zone.
    """
    connection = connections[alias]
    connection.close()
    connection.ensure_connection()
    values: dict[str, str] = {
        "application_name": application_name,
        "statement_timeout": str(1000 * (statement_timeout_seconds or 0)),
        "lock_timeout": LONGEST_LOCK_WAIT,
        "temp_buffers": TEMP_BUFFERS,
        "work_mem": WORK_MEMORY,
        "datestyle": "ISO, YMD",
        "intervalstyle": "postgres",
        "timezone": settings.TIME_ZONE,
        "jit": "off",
    }
    try:
        with connection.cursor() as cursor:
            for name, value in values.items():
                cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
        yield connection
    finally:
        connection.close()


class Session:
    """Runs composed statements on the session, and notices if it is no longer the same.

    `check` is called before each statement: a request to stop that comes between two of them cancels neither.
    """

    def __init__(
        self, connection: BaseDatabaseWrapper, *, check: Callable[[], None], governor: Governor | None = None
    ) -> None:
        self.connection = connection
        #: Holds the rows to a rate; None: nothing does.
        self.governor = governor
        self._check = check
        self._own = connection.connection

    def execute(self, statement: sql.Composable, parameters: list[Any] | None = None) -> Any:
        """Execute a statement and return its cursor. Raises SessionLostError, and what `check` raises."""
        self._check()
        self.require()
        cursor = self.connection.cursor()
        cursor.execute(statement, parameters)
        return cursor

    def fetch_all(self, statement: sql.Composable, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with self.execute(statement, parameters) as cursor:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def run(self, statement: sql.Composable, parameters: list[Any] | None = None) -> int:
        """Execute a statement and return the number of rows that it wrote."""
        with self.execute(statement, parameters) as cursor:
            return int(cursor.rowcount)

    def pace(self, rows: int) -> None:
        """Return when more rows may follow these, which were read or written. Raises what `check` raises."""
        if self.governor:
            self.governor.pass_rows(rows)

    def paced(self, chunks: Generator[Rows, None, None]) -> Iterator[Rows]:
        """Pass on the rows of a COPY at the pace."""
        with closing(chunks):
            for rows in chunks:
                yield rows
                self.pace(rows.count)

    def chunk_bytes(self) -> int:
        """The size of a chunk of a COPY."""
        return PACED_CHUNK_BYTES if self.governor else CHUNK_BYTES

    def end_earlier_ones(self) -> None:
        """End the sessions of earlier attempts, which have the same `application_name`.

        A process that was stopped, or cannot be reached, would keep its locks and its turn.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(END_EARLIER_SESSIONS)
            if ended := cursor.fetchall():
                logger.warning("earlier_sessions_ended", pids=[pid for (pid,) in ended])

    @property
    def is_lost(self) -> bool:
        """Whether the session has ended. A new one in its place lacks the temporary tables."""
        return self.connection.connection is not self._own or bool(self._own.closed)

    def require(self) -> None:
        """Raise SessionLostError if the session has ended."""
        if self.is_lost:
            raise SessionLostError
