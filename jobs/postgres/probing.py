"""Probes of PostgreSQL whose callers choose how long they wait."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections

from jobs.postgres.deadlines import answering_within

#: How long the thread itself waits for an answer. A caller joins the probe in progress, which must end soon so that the
#: next one can see that PostgreSQL is back. Seconds.
LONGEST_SECONDS: Final = 2.0


class Probe:
    """Checks a database over a new session, in a thread of its own.

    On the thread of a request, a probe would wait at least two seconds for a connection, and would take that thread
    from the web server. There is one probe at a time: all callers meanwhile wait for the same one.
    """

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias
        self._lock = threading.Lock()
        self._look: Future[bool] | None = None

    def answers(self, *, within: float) -> bool:
        """Whether it takes a connection and answers `within` seconds. Raises what Django's connection raises."""
        with self._lock:
            if self._look is None or self._look.done():
                look: Future[bool] = Future()
                threading.Thread(target=self._run, args=[look], name="database-probe", daemon=True).start()
                self._look = look  # not before: if the thread cannot start, it would never be done
            look = self._look
        try:
            return look.result(within)
        except TimeoutError:
            return False

    def _run(self, look: Future[bool]) -> None:
        try:
            with answering_within(LONGEST_SECONDS), connections[self._alias].cursor() as cursor:
                cursor.execute("SELECT 1")
                look.set_result(cursor.fetchone() == (1,))
        except Exception as error:  # raised again in the thread of each caller
            look.set_exception(error)
        finally:
            connections.close_all()
