"""Django's backend for PostgreSQL, with the bounds of `jobs.postgres.deadlines`.

https://docs.djangoproject.com/en/5.2/ref/databases/#subclassing-the-built-in-database-backends
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.generators import fetch_many
from psycopg.pq.abc import PGresult

from jobs.postgres.deadlines import (
    HEALTH_CHECK_SECONDS,
    LOCK_NOT_AVAILABLE,
    answering_within,
    give_up,
    has_given_up,
    seconds_to_connect,
    seconds_to_wait,
)

RV = TypeVar("RV")

#: A connection that has answered within this time is not asked again whether it does. Seconds.
TRUSTED_SECONDS: Final = 5.0
GAVE_UP: Final = "PostgreSQL did not answer this request in time before"


#: In the queue of results, in place of psycopg's None, which also stands for statements of psycopg's own.
END: Final[Any] = ("end of a transaction",)


class OneTrip(psycopg.Pipeline):
    """A pipeline that sends all its statements together, when it ends or the rows of one are read.

    psycopg's own sends each at once, for which PostgreSQL is woken up as often.
    """

    def commit(self) -> None:
        """End the transaction of the statements so far. What follows is the next one, in the same trip."""
        self._enqueue_sync()

    def wait_for_commit(self) -> None:
        """Send all statements, and wait for the first transaction that has ended: what follows goes on meanwhile.

        Raises what one of its statements, or its commit, raised.
        """
        with self._conn.lock:
            self._conn.wait(self._first_transaction_gen())

    def _first_transaction_gen(self) -> PQGen[None]:
        ends = self.result_queue.count(END)
        yield from super()._communicate_gen()
        first_error: psycopg.Error | None = None
        while ends and self.result_queue.count(END) == ends:
            results = yield from fetch_many(self.pgconn)
            queued = self.result_queue.popleft()
            try:
                self._process_results(queued, results)
            except psycopg.Error as error:
                first_error = first_error or error
        if first_error is not None:
            raise first_error

    def _enqueue_sync(self) -> None:
        super()._enqueue_sync()
        self.result_queue[-1] = END

    def _process_results(self, queued: Any, results: list[PGresult]) -> None:
        super()._process_results(None if queued is END else queued, results)

    def _exit_gen(self) -> PQGen[None]:
        if self.result_queue and self.result_queue[-1] is END:  # all transactions have ended
            yield from self._fetch_gen(flush=False)
        else:
            yield from super()._exit_gen()

    def _communicate_gen(self) -> PQGen[None]:
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        yield from super()._communicate_gen()
        yield from super()._fetch_gen(flush=flush)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes itself once PostgreSQL has been silent for longer than the bound."""

    @contextmanager
    def one_trip(self) -> Iterator[OneTrip]:
        """Like `pipeline`, but the statements are sent together."""
        with self.lock:
            self._check_connection_ok()
            trip = self._pipeline = OneTrip(self)
        try:
            with trip:
                yield trip
        finally:
            self._pipeline = None
            if self.pgconn.pipeline_status:  # out of step: the next statement would wait for ever
                self.close()

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Like psycopg's, which waits for every answer. Raises OperationalError after the bound."""
        if has_given_up():
            raise psycopg.OperationalError(GAVE_UP)
        limit = seconds_to_wait()
        if limit is None or kwargs.get("timeout") is not None:
            return super().wait(gen, *args, **kwargs)
        try:
            return super().wait(gen, *args, **{**kwargs, "timeout": limit})
        except psycopg.errors._WaitTimeout:
            # A late answer could be taken for that of another statement.
            self.pgconn.finish()
            give_up(is_away=True)
            raise psycopg.OperationalError(f"PostgreSQL did not answer within {limit:g} seconds") from None
        except psycopg.Error as error:
            if error.sqlstate == LOCK_NOT_AVAILABLE:
                give_up(is_away=False)
            raise


def is_quiet(connection: psycopg.Connection[Any]) -> bool:
    """Whether nothing has arrived on an idle connection: neither its end nor the reason for it."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def bounded(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a new connection, which waits for all hosts together no longer than this thread may."""
    hosts = str(params.get("host") or params.get("hostaddr") or "").split(",")
    seconds = seconds_to_connect(hosts=len(hosts))
    if seconds is None:
        return params
    own = int(params.get("connect_timeout") or 0)  # to psycopg, 0 means more than two minutes
    return {**params, "connect_timeout": min(seconds, own) if own > 0 else seconds}


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, except for the class of its connections, how long it waits for one, and when it checks one."""

    # What Django calls `Database` is the module psycopg; of it, only this function makes connections.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": BoundedConnection.connect})  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect within the bound. Raises at once if this request has already waited in vain."""
        if has_given_up():
            raise psycopg.OperationalError(GAVE_UP)
        try:
            return super().get_new_connection(bounded(conn_params))
        except psycopg.OperationalError:
            give_up(is_away=True)
            raise

    #: When the connection last answered a health check, on the monotonic clock; None if it never did.
    _answered_at: float | None = None

    def connect(self) -> None:
        """A new connection has not answered yet."""
        self._answered_at = None
        super().connect()

    def close_if_health_check_failed(self) -> None:
        """Once a request, before it first uses the connection: a round trip only every TRUSTED_SECONDS.

        In between, a look at the socket is enough, and costs microseconds: a server that stops, or ends the session,
        says so there. A server that is gone without a word is noticed by the bound of `BoundedConnection.wait`.
        """
        django: Any = self  # whose types lack these attributes
        if self.connection is None or not django.health_check_enabled or django.health_check_done:
            return
        now = time.monotonic()
        if self._answered_at is not None and now - self._answered_at < TRUSTED_SECONDS and is_quiet(self.connection):
            django.health_check_done = True
            return
        super().close_if_health_check_failed()
        self._answered_at = None if self.connection is None else now

    def is_usable(self) -> bool:
        """Check for a short time only: if the connection is silent, the request still has time for a new one."""
        limit = seconds_to_wait()
        if limit is None:
            return bool(super().is_usable())
        with answering_within(min(limit, HEALTH_CHECK_SECONDS)):
            return bool(super().is_usable())
