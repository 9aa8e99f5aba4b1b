"""One heartbeat for all attempts of this process: a thread, a session of PostgreSQL, and one statement a second.

The thread begins with the first attempt, and ends when none has come or run for an interval, so small jobs share it. A
forked process begins with a thread and a session of its own.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.context import JobContext
from jobs.postgres.deadlines import answering_within
from jobs.postgres.sessions import own_connection
from jobs.postgres.statements import fetch_all_over
from jobs.worker.heartbeat import TICK_SECONDS, Heartbeat
from jobs.worker.memory import peak_memory_bytes
from jobs.worker.statements import BEAT

logger = structlog.get_logger(__name__)

#: The minimum time that a beat waits for an answer from PostgreSQL. Seconds.
SHORTEST_WAIT_SECONDS: Final = 1.0


@contextmanager
def beating(context: JobContext, *, stall_timeout_seconds: float | None = None) -> Iterator[None]:
    """Renew the attempt's lease during the block, and stop the context if there is a reason to."""
    heartbeat = Heartbeat(context, stall_timeout_seconds)
    _ticker.add(heartbeat)
    try:
        yield
    finally:
        _ticker.remove(heartbeat)


def beat(heartbeats: Sequence[Heartbeat], *, database: BaseDatabaseWrapper) -> None:
    """Write what is new of these attempts and renew their leases, in one statement, and tell each what it found.

    Rows that somebody has locked are skipped. If PostgreSQL refuses the values of one attempt, those of the others are
    written. Raises Django's DatabaseError or InterfaceError.
    """
    memory = peak_memory_bytes()
    rows = {heartbeat: row for heartbeat in heartbeats if (row := _row_of(heartbeat, memory))}
    if rows:
        _ask(rows, database)


def _row_of(heartbeat: Heartbeat, memory: int) -> str:
    """What to write of the attempt, as JSON; empty if it reports what cannot be written. Then it loses its lease."""
    try:
        return json.dumps(heartbeat.look(peak_memory_bytes=memory))
    except Exception:
        logger.exception("heartbeat_refused", job_id=str(heartbeat.context.attempt.job_id))
        return ""


def _ask(rows: dict[Heartbeat, str], database: BaseDatabaseWrapper) -> None:
    try:
        answers = fetch_all_over(database, BEAT, beats=f"[{','.join(rows.values())}]")
    except (InterfaceError, OperationalError):
        raise
    except DatabaseError:
        if len(rows) == 1:
            raise
        _ask_halves(rows, database)
        return
    found = {(str(answer["job"]), answer["token"]): answer for answer in answers}
    for heartbeat in rows:
        attempt = heartbeat.context.attempt
        answer = found[str(attempt.job_id), attempt.fencing_token]
        heartbeat.learn(
            state=answer["state"], cancel_requested=answer["cancel_requested"], is_written=answer["is_written"]
        )


def _ask_halves(rows: dict[Heartbeat, str], database: BaseDatabaseWrapper) -> None:
    """Find the attempt whose values PostgreSQL refuses. Its lease is not renewed, so it ends."""
    items = list(rows.items())
    for half in (items[: len(items) // 2], items[len(items) // 2 :]):
        try:
            _ask(dict(half), database)
        except (InterfaceError, OperationalError):
            raise
        except DatabaseError as error:
            logger.warning("heartbeat_refused", job_id=str(half[0][0].context.attempt.job_id), error=repr(error))


class _Ticker:
    """The thread and the attempts that it beats for."""

    def __init__(self) -> None:
        self._heartbeats: set[Heartbeat] = set()
        self._thread: threading.Thread | None = None
        self._is_used = False
        #: When the thread's wait ends, by the monotonic clock, if nothing changes.
        self._wakes_at = 0.0
        self._changed = threading.Condition()

    def add(self, heartbeat: Heartbeat) -> None:
        """Begin to beat for this attempt."""
        with self._changed:
            self._heartbeats.add(heartbeat)
            self._is_used = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()
            elif heartbeat.first_at < self._wakes_at:
                self._changed.notify()

    def remove(self, heartbeat: Heartbeat) -> None:
        """Beat for it no more. A statement that is on its way may still write its progress, if it holds its job."""
        with self._changed:
            self._heartbeats.discard(heartbeat)
        heartbeat.end()

    def _interval(self) -> float:
        return min((heartbeat.interval for heartbeat in self._heartbeats), default=TICK_SECONDS)

    def _run(self) -> None:
        database = own_connection()
        try:
            while (heartbeats := self._wait()) is not None:
                self._tick(heartbeats, database)
        finally:
            database.close()
            connections.close_all()  # that of publishing

    def _wait(self) -> list[Heartbeat] | None:
        """The attempts of the next tick that have run for an interval.

        None if the thread is to end, since none has come or run for an interval.
        """
        began = time.monotonic()
        with self._changed:
            while (now := time.monotonic()) < (wakes_at := began + self._interval()):
                self._wakes_at = wakes_at
                self._changed.wait(wakes_at - now)
            if not (self._heartbeats or self._is_used):
                self._thread = None
                return None
            self._is_used = False
            return [heartbeat for heartbeat in self._heartbeats if heartbeat.first_at <= now]

    def _tick(self, heartbeats: list[Heartbeat], database: BaseDatabaseWrapper) -> None:
        """Beat, even if PostgreSQL fails; then stop the attempts that must not go on.

        A beat does not wait for PostgreSQL beyond the end of a lease: another worker may have that job then.
        """
        owners = [heartbeat for heartbeat in heartbeats if heartbeat.is_to_be_asked()]
        try:
            if owners:
                earliest = min(heartbeat.context.lease_deadline for heartbeat in owners)
                with answering_within(max(SHORTEST_WAIT_SECONDS, earliest - time.monotonic())):
                    beat(owners, database=database)
        except Exception as error:
            is_expected = isinstance(error, DatabaseError | InterfaceError)
            (logger.warning if is_expected else logger.exception)("heartbeat_failed", error=repr(error))
            database.close()
        for heartbeat in heartbeats:
            try:
                heartbeat.context.when_long()
                heartbeat.enforce()
            except Exception:  # such as no memory for another thread: the next tick tries again
                logger.exception("attempt_not_stopped", job_id=str(heartbeat.context.attempt.job_id))


_ticker = _Ticker()


def _begin_anew() -> None:
    """In a forked process: the thread did not survive, and the lock may be held by it for ever."""
    global _ticker
    _ticker = _Ticker()


os.register_at_fork(after_in_child=_begin_anew)
