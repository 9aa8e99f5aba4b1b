"""Advisory locks: for work that only one process, or a limited number, may do at a time.

A key is a class of locks and a name within it, hashed to 64 bits. PostgreSQL releases the locks of a session when it
ends, even if its process is killed (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import StrEnum
from typing import Final

from django.db import Error, connection
from django.db.backends.utils import CursorWrapper


class LockClass(StrEnum):
    """What a lock is for."""

    SWEEP = "sweep"
    BULK_RUN = "bulk run"
    SLOT = "slot"
    IDEMPOTENCY_KEY = "idempotency key"
    UPLOAD_TARGET = "upload target"
    UPLOAD_UNDO = "upload undo"
    RESUMABLE_UPLOADS = "resumable uploads"


#: A lock until the transaction ends, for `jobs.postgres.statements`; its parameter is a `lock_key`. The first is only
#: tried; the second is waited for, so it comes before all locks of rows.
TRY_TRANSACTION_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(key)s::text, 0)) AS is_held"
TRANSACTION_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s::text, 0))"


def lock_key(lock_class: LockClass, name: object) -> str:
    """The text that is hashed. Two names with the same hash merely exclude each other."""
    return f"longhaul {lock_class} {name}"


def try_lock(lock_class: LockClass, name: object) -> AbstractContextManager[bool]:
    """Hold a lock for the length of the block; False if another session holds it.

    It belongs to the session, so the block may commit, and may delete files outside of a transaction.
    """
    return _try_first(lock_class, [name])


def slot(name: str, *, of: int) -> AbstractContextManager[bool]:
    """Hold one of `of` slots for the length of the block; False if all are taken."""
    return _try_first(LockClass.SLOT, [f"{name} {number}" for number in range(of)])


@contextmanager
def _try_first(lock_class: LockClass, names: Sequence[object]) -> Iterator[bool]:
    """Hold the first of these locks that is free."""
    with connection.cursor() as cursor:
        keys = (lock_key(lock_class, name) for name in names)
        held = next((key for key in keys if _call(cursor, "pg_try_advisory_lock", key)), None)
    try:
        yield held is not None
    finally:
        if held is not None:
            with suppress(Error), connection.cursor() as cursor:  # if the session is gone, so is the lock
                _call(cursor, "pg_advisory_unlock", held)


def _call(cursor: CursorWrapper, function: str, key: str) -> bool:
    cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [key])
    return bool(cursor.fetchone() == (True,))
