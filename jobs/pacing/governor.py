"""The governor keeps the rows of one attempt within the dials, which it reads again while the rows flow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Jsonb

from jobs.context import JobContext
from jobs.errors import StatementTimeoutError
from jobs.inspection import TypeDefaults
from jobs.models.queues import Pace
from jobs.pacing.auto import Auto
from jobs.pacing.burst import CHUNK_BYTES as BURST_CHUNK_BYTES
from jobs.pacing.dials import Dials, dials_for
from jobs.pacing.pacer import Pacer
from jobs.postgres.sessions import own_connection
from jobs.postgres.statements import fetch_all_over
from tabular.rows import Rows

logger = structlog.get_logger(__name__)

#: How often the dials are read and the pace is decided, and the longest sleep between two calls of `check`. Seconds.
LOOK_SECONDS: Final = 1.0
NAP_SECONDS: Final = 0.2
#: How often the attempt's row is updated. Seconds.
TELL_SECONDS: Final = 5.0
#: A paced chunk holds the rows of this much time. Seconds.
CHUNK_SECONDS: Final = 0.1

TELL: Final = """
    UPDATE jobs_attempt SET conditions = %(conditions)s WHERE id = %(attempt)s AND outcome = '' RETURNING id
"""


@contextmanager
def governed(context: JobContext, defaults: TypeDefaults) -> Iterator[Governor]:
    """A governor for the duration of the block; what it did is recorded in the attempt's `conditions`."""
    governor = Governor(context, defaults)
    try:
        yield governor
    finally:
        governor.close()


@contextmanager
def governed_beside(context: JobContext, defaults: TypeDefaults, *, alias: str) -> Iterator[Governor]:
    """As `governed`, for work on `alias` that occupies Django's connection, with a session of the governor's own."""
    with closing(own_connection()) as over:
        governor = Governor(context, defaults, over=over)
        governor.notes["database"] = alias
        try:
            yield governor
        finally:
            governor.close()


class Governor:
    """The dials of one attempt, at most about a second old, its rate, and the decisions about it."""

    def __init__(self, context: JobContext, defaults: TypeDefaults, *, over: BaseDatabaseWrapper | None = None) -> None:
        """Dials are read, and conditions recorded, over Django's connection or `over` another one."""
        self.context = context
        self.defaults = defaults
        self._over = over
        self.dials: Dials = dials_for(context.job, defaults, over=over)
        #: What the attempt records in `conditions` besides its pace.
        self.notes: dict[str, Any] = {}
        self._pacer = Pacer()
        self._auto = Auto()
        self._slept = 0.0
        self._rows = self._rows_before = 0
        self._row_bytes = 64.0
        self._statement_began: float | None = None
        self._has_begun = False
        self._looked_at = self._told_at = time.monotonic()
        self._set_rate()

    def check(self) -> None:
        """Like `JobContext.check`; also reads the dials once a second.

        Also raises StatementTimeoutError: the dial may have been turned down below what the statement has taken.
        """
        self.context.check()
        now = time.monotonic()
        if self._follows_the_load():
            self._auto.sample(self.notes.get("database", self.dials.database), now=now)
        if now - self._looked_at >= LOOK_SECONDS:
            self._look(now)
        limit = self.dials.statement_timeout_seconds
        if limit and self._statement_began is not None and now - self._statement_began > limit:
            raise StatementTimeoutError(f"The statement has taken longer than {limit} seconds.")

    def paced(self, chunks: Iterable[Rows]) -> Iterator[Rows]:
        """Pass on the rows of one statement at the rate. Nothing is read during a wait, so the server waits, too."""
        self._statement_began, self._has_begun = time.monotonic(), True
        for rows in chunks:
            yield rows
            if self._pacer.rate is not None:
                self._row_bytes = len(rows.data) / rows.count
            self._count(rows.count)

    def pass_rows(self, rows: int) -> None:
        """Count rows that one of several statements has read or written; return when the next ones may follow.

        Raises what `check` raises.
        """
        self._has_begun = True
        self._count(rows)
        self.check()

    def rows_at_once(self) -> int | None:
        """How many rows the next statement may read or write for them to flow evenly. None: they are not paced."""
        return None if self._pacer.rate is None else max(1, int(self._pacer.rate * CHUNK_SECONDS))

    def chunk_bytes(self, most: int) -> int:
        """How large the next chunk may be for rows to flow evenly; `most` if they are not paced."""
        rate = self._pacer.rate
        if rate is None:
            return most
        wanted = BURST_CHUNK_BYTES if self._auto.burst.is_going_on else rate * CHUNK_SECONDS * self._row_bytes
        return int(min(most, wanted))

    def conditions(self) -> dict[str, Any]:
        """What the attempt records."""
        return {
            **self.notes,
            "pace": str(self.dials.pace),
            "rowsPerSecond": self._pacer.rate and round(self._pacer.rate),
            "waitedSeconds": round(self._slept, 1),
            **self._auto.conditions(),
        }

    def close(self) -> None:
        """End the governor's sessions, and record what it did."""
        self._auto.close()
        self.tell()

    def tell(self) -> None:
        """Record what was done so far."""
        if not self._tell():
            self._tell()  # over a new session: the old one may have ended while the rows flowed

    def _count(self, rows: int) -> None:
        self._rows += rows
        if self._pacer.rate is None:
            return
        self._pacer.charge(rows)
        self._auto.burst.count(rows)
        if not self._auto.burst.is_going_on:
            self._wait()
            if self._follows_the_load():
                self._auto.begin_burst(self.dials)

    def _wait(self) -> None:
        while (left := self._pacer.seconds_to_wait()) > 0:
            nap = min(left, NAP_SECONDS)
            time.sleep(nap)
            self._slept += nap
            self.check()

    def _look(self, now: float) -> None:
        seconds, self._looked_at = now - self._looked_at, now
        achieved, self._rows_before = (self._rows - self._rows_before) / seconds, self._rows
        try:
            self.dials = dials_for(self.context.job, self.defaults, over=self._over)
        except (DatabaseError, InterfaceError, LookupError) as error:
            logger.warning("dials_not_read", error=repr(error))
            self._database.close()  # its state is unknown; the rows flow on under the old dials
        if self._follows_the_load():
            self._auto.decide(self.dials, achieved=achieved)
        self._set_rate()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._tell()

    def _follows_the_load(self) -> bool:
        return self.dials.pace == Pace.AUTO and self._has_begun

    def _set_rate(self) -> None:
        if self.dials.pace == Pace.AUTO:
            self._pacer.rate = self._auto.rate(self.dials)
        else:
            self._pacer.rate, self._auto.slowed_by = self.dials.rows_per_second, []

    def _tell(self) -> bool:
        try:
            conditions = Jsonb(self.conditions())
            fetch_all_over(self._database, TELL, attempt=self.context.attempt.pk, conditions=conditions)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("conditions_not_kept", error=repr(error))
            self._database.close()
            return False
        return True

    @property
    def _database(self) -> BaseDatabaseWrapper:
        return self._over or connection
