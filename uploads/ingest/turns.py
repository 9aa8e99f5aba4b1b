"""Uploads to one table take turns, from their plan to the end of their merge."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext_noop as _
from psycopg import sql

from jobs.context import JobContext
from jobs.errors import PostponedError
from jobs.postgres.advisory_locks import LockClass, lock_key
from uploads.ingest.session import Session

POLL_SECONDS: Final = 0.2
#: After this time the attempt gives up its worker, and comes back later.
LONGEST_WAIT_SECONDS: Final = 30.0
DELAY: Final = timedelta(seconds=10)


def take_turn(session: Session, table: str, context: JobContext) -> None:
    """Wait for the lock of the table. The session holds it until its end, so nothing is left if a worker is killed.

    Nothing is open while waiting: neither a transaction nor a snapshot. Raises PostponedError after a while.
    """
    key = lock_key(LockClass.UPLOAD_TARGET, table)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        context.check()
        [(is_held,)] = session.fetch_all(sql.SQL("SELECT pg_try_advisory_lock(hashtextextended({}, 0))").format(key))
        if is_held:
            return
        if time.monotonic() > deadline:
            raise PostponedError(_("Another upload to the same table is being written."), delay=DELAY)
        time.sleep(POLL_SECONDS)
