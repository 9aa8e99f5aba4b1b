"""Sends statements that contain a report type's text, over PostgreSQL's extended query protocol.

The simple protocol runs every statement in a text: `SELECT 1); COMMIT; DROP TABLE …` would leave the read-only
transaction. The extended protocol parses exactly one statement and refuses more, so every statement with a type's text
is sent here. `describe` parses the text alone, before it is put in parentheses: a text that closes them early is not a
valid statement. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors, pq

#: Milliseconds to wait for the server before calling `check`, which may end the wait.
POLL_MILLISECONDS = 500


class Exchange:
    """Runs one statement at a time over a connection. It waits in slices, so that `check` can end it by raising."""

    def __init__(self, connection: psycopg.Connection[Any], check: Callable[[], None] = lambda: None) -> None:
        self.pgconn = connection.pgconn
        self._check = check
        self._poll = select.poll()
        self._poll.register(self.pgconn.socket, select.POLLIN)

    def send(self, statement: str) -> None:
        """Send one statement without parameters. Several are a syntax error."""
        self.pgconn.send_query_params(statement.encode(), None)
        self._flush()

    def wait(self, until: int = select.POLLIN) -> None:
        """Wait for the server, for `POLL_MILLISECONDS` at most."""
        self._check()
        self._poll.modify(self.pgconn.socket, until)
        self._poll.poll(POLL_MILLISECONDS)
        self.pgconn.consume_input()

    def result(self, expected: pq.ExecStatus) -> pq.abc.PGresult:
        """The next result. Raises psycopg's own class for an error that the server reports."""
        while self.pgconn.is_busy():
            self.wait()
        result = self.pgconn.get_result()
        if result is None:
            raise psycopg.OperationalError("the connection to PostgreSQL was lost")
        if result.status != expected:
            error = errors.error_from_result(result)
            self.end()
            raise error
        return result

    def end(self) -> None:
        """Read the rest of the answer, so that the next statement can be sent."""
        while True:
            while self.pgconn.is_busy():
                self.wait()
            if self.pgconn.get_result() is None:
                return

    def describe(self, text: str) -> list[tuple[str, int]]:
        """Name and type (OID) of each column that the single statement `text` yields. It is parsed but not run."""
        self.pgconn.send_prepare(b"", text.encode())
        self._flush()
        self.result(pq.ExecStatus.COMMAND_OK)
        self.end()
        self.pgconn.send_describe_prepared(b"")
        self._flush()
        described = self.result(pq.ExecStatus.COMMAND_OK)
        self.end()
        if described.nparams:
            raise errors.UndefinedParameter("there is no parameter $1: write %s or %(name)s")
        if not described.nfields:
            raise errors.SyntaxError("the statement yields no columns")
        numbers = range(described.nfields)
        return [((described.fname(number) or b"").decode(), described.ftype(number)) for number in numbers]

    def value(self, statement: str) -> str:
        """The single value that the statement yields, as text."""
        self.send(statement)
        result = self.result(pq.ExecStatus.TUPLES_OK)
        self.end()
        return (result.get_value(0, 0) or b"").decode()

    def _flush(self) -> None:
        while self.pgconn.flush():
            self.wait(select.POLLIN | select.POLLOUT)
