"""The database session in which a report is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_noop as _
from psycopg import pq

from jobs.errors import PermanentError
from reports.reader import reader_connection

#: Unchanged from the beginning to the end of one transaction that wrote nothing and kept its role.
STATE: Final = """
    SELECT pg_backend_pid(), now(), pg_current_xact_id_if_assigned()::text, session_user, current_user,
        current_setting('transaction_read_only'), current_setting('transaction_isolation')
"""


class NotReadOnlyError(PermanentError):
    """The session left its read-only transaction or role, so the rows must not be used."""

    def __init__(self) -> None:
        message = "The query changed the transaction or the role that it ran in."
        super().__init__(message, code="not-read-only", public=_("The query of this report is not read-only."))


@contextmanager
def reading(
    alias: str, *, application_name: str, statement_timeout_seconds: int | None
) -> Iterator[BaseDatabaseWrapper]:
    """A new connection to `alias` (see `reader_connection`), in one read-only transaction with one snapshot.

    A report must not share a transaction with the job's bookkeeping. The connection is closed and not reused, which
    ends whatever a broken or canceled COPY leaves behind. Raises NotReadOnlyError at the end of the block.
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
    """The state of the transaction; None if it failed or its statement is unfinished: no file is published then."""
    status = connection.connection.pgconn.transaction_status
    if status in (pq.TransactionStatus.INERROR, pq.TransactionStatus.ACTIVE):
        return None
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        return status, cursor.fetchone()
