"""The database session in which a report is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from jobs.errors import PermanentError
from reports.reader import reader_connection

#: Equal at the beginning and the end of one transaction that could not write and became nobody else.
STATE: Final = """
    SELECT pg_backend_pid(), now(), pg_current_xact_id_if_assigned()::text, session_user, current_user,
        current_setting('transaction_read_only'), current_setting('transaction_isolation')
"""


class NotReadOnlyError(PermanentError):
    """The session is not in the read-only transaction any more that it was given. What was read is not to be used."""

    def __init__(self) -> None:
        message = "The query changed the transaction or the role in which it was read."
        super().__init__(message, code="not-read-only", public="The query of this report is not read-only.")


@contextmanager
def reading(
    alias: str, *, application_name: str, statement_timeout_seconds: int | None
) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own to `alias`, in one read-only transaction that sees one snapshot.

    Its own, because a report must not share a transaction with the job's bookkeeping. It is closed,
    not reused: what a broken or cancelled COPY leaves behind ends with it. The primary is read as a login that cannot
    write, where `REPORTS_DATABASE_URL` names one.

    Raises NotReadOnlyError at the end of the block where the session has left that transaction, or its role.
    """
    connection = reader_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET jit TO DEFAULT; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(
                "SELECT set_config('application_name', %s, true), set_config('statement_timeout', %s, true)",
                [application_name, str(1000 * (statement_timeout_seconds or 0))],
            )
        began = _state(connection)
        yield connection
        if _state(connection) not in (began, None):
            raise NotReadOnlyError
    finally:
        connection.close()


def _state(connection: BaseDatabaseWrapper) -> Any:
    """What identifies the transaction; None where it has failed, or its statement was cut short.

    No file is published then: an export reads its statement to the end.
    """
    status = connection.connection.pgconn.transaction_status
    if status in (pq.TransactionStatus.INERROR, pq.TransactionStatus.ACTIVE):
        return None
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        return status, cursor.fetchone()
