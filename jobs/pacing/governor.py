"""The governor keeps the rows of one attempt within the dials, which it reads again while the rows flow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connection

from jobs.context import JobContext
from jobs.errors import StatementTimeoutError
from jobs.inspection import TypeDefaults
from jobs.models import Attempt
from jobs.models.queues import Pace
from jobs.pacing.auto import Auto
from jobs.pacing.burst import CHUNK_BYTES as BURST_CHUNK_BYTES
from jobs.pacing.dials import Dials, dials_for
from jobs.pacing.pacer import Pacer
from tabular.rows import Rows

logger = structlog.get_logger(__name__)

#: How often the dials are read and the pace is decided, and the longest sleep between two calls of `check`. Seconds.
LOOK_SECONDS: Final = 1.0
NAP_SECONDS: Final = 0.2
#: How often the attempt's row is updated. Seconds.
TELL_SECONDS: Final = 5.0
#: A paced chunk holds the rows of this much time. Seconds.
CHUNK_SECONDS: Final = 0.1


@contextmanager
def governed(context: JobContext, defaults: TypeDefaults) -> Iterator[Governor]:
    """A governor for the duration of the block; what it did is recorded in the attempt's `conditions`."""
    governor = Governor(context, defaults)
    try:
        yield governor
    finally:
        governor.close()


class Governor:
    """The dials of one attempt, at most about a second old, its rate, and the decisions about it."""

    def __init__(self, context: JobContext, defaults: TypeDefaults) -> None:
        self.context = context
        self.defaults = defaults
        self.dials: Dials = dials_for(context.job, defaults)
        #: What the attempt records in `conditions` besides its pace.
        self.notes: dict[str, Any] = {}
        self._pacer = Pacer()
        self._auto = Auto()
        self._slept = 0.0
        self._rows = self._rows_before = 0
        self._row_bytes = 64.0
        self._statement_began: float | None = None
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
        self._statement_began = time.monotonic()
        for rows in chunks:
            yield rows
            self._rows += rows.count
            if self._pacer.rate is not None:
                self._row_bytes = len(rows.data) / rows.count
                self._pacer.charge(rows.count)
                self._auto.burst.count(rows.count)
                if not self._auto.burst.is_going_on:
                    self._wait()
                    if self._follows_the_load():
                        self._auto.begin_burst(self.dials)

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
        if not self._tell():
            self._tell()  # over a new session: the old one may have ended while the rows flowed

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
            self.dials = dials_for(self.context.job, self.defaults)
        except (DatabaseError, InterfaceError, LookupError) as error:
            logger.warning("dials_not_read", error=repr(error))
            connection.close()  # its state is unknown; the rows flow on under the old dials
        if self._follows_the_load():
            self._auto.decide(self.dials, achieved=achieved)
        self._set_rate()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._tell()

    def _follows_the_load(self) -> bool:
        return self.dials.pace == Pace.AUTO and self._statement_began is not None

    def _set_rate(self) -> None:
        if self.dials.pace == Pace.AUTO:
            self._pacer.rate = self._auto.rate(self.dials)
        else:
            self._pacer.rate, self._auto.slowed_by = self.dials.rows_per_second, []

    def _tell(self) -> bool:
        try:
            Attempt.objects.filter(pk=self.context.attempt.pk, outcome="").update(conditions=self.conditions())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("conditions_not_kept", error=repr(error))
            connection.close()
            return False
        return True
