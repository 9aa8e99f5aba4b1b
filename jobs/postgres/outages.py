"""Which errors are the fault of the server or of another transaction, and not of the statement."""

from __future__ import annotations

from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

from jobs.classification import sqlstate
from jobs.errors import StorageUnavailableError
from jobs.postgres.statements import is_outdated_plan

#: Classes of SQLSTATE, or single ones, that mean a fault of the server.
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
#: Serialization failure, deadlock.
CONFLICTS: Final = frozenset({"40001", "40P01"})


def is_outage(error: BaseException | None) -> bool:
    """Whether the server or another transaction is the cause, and not the statement, which would be our fault."""
    if isinstance(error, StorageUnavailableError):
        return True
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    state = sqlstate(error)
    if state is None:  # from libpq: no connection, or a lost one
        return isinstance(error, OperationalError | InterfaceError)
    return state.startswith(OUTAGES) or is_conflict(error)


def is_conflict(error: BaseException | None) -> bool:
    """Whether another transaction, or a change of a table, is the cause, so that a retry at once may succeed."""
    return isinstance(error, DatabaseError) and (sqlstate(error) in CONFLICTS or is_outdated_plan(error))
