"""Whether PostgreSQL answers, asked so that nobody waits for longer than they want to."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections

from jobs.postgres.deadlines import answering_within

#: How long the thread itself waits for an answer. Whoever asks joins the look that has begun, so it must end soon for
#: the next one to see that PostgreSQL is back. Seconds.
LONGEST_SECONDS: Final = 2.0


class Probe:
    """Looks at a database over a new session, in a thread of its own.

    A probe on a request's thread would wait at least two seconds for a connection, and each probe would take one more
    thread of the web server. There is one look at a time: whoever asks meanwhile waits for the same one.
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
                self._look = look  # only now: a thread that cannot start would leave it without an end
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
        except Exception as error:  # whoever asked is told
            look.set_exception(error)
        finally:
            connections.close_all()
