"""So many at once, over all processes: what is done within a request, and would hurt if everybody did it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def slot(name: str, *, of: int) -> Iterator[bool]:
    """Hold one of so many slots for the length of the block; False where none is free. Nobody waits.

    A slot is an advisory lock of this session, so it is free again when the process is gone
    (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
    """
    with connection.cursor() as cursor:
        held = next((number for number in range(of) if _ask(cursor, "pg_try_advisory_lock", name, number)), None)
    try:
        yield held is not None
    finally:
        if held is not None:
            with suppress(Error), connection.cursor() as cursor:  # without the session the lock is gone, too
                _ask(cursor, "pg_advisory_unlock", name, held)


def _ask(cursor: CursorWrapper, function: str, name: str, number: int) -> bool:
    cursor.execute(f"SELECT {function}(hashtext(%s), %s)", [f"slot {name}", number])
    return bool(cursor.fetchone() == (True,))


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Hold the advisory lock of this name; False when another session holds it just now.

    It belongs to the session, not to a transaction, so that a sweep may delete files without holding one. It
    goes with the session, should this process be killed.
    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    key = f"longhaul.{name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        [granted] = cursor.fetchone()
    try:
        yield granted
    finally:
        if granted:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
