"""Read the rows of a COPY as fast as libpq hands them over.

`psycopg.Copy` goes through its scheduler for every row, which halves the speed; here the rows that
have arrived are taken in one go (https://www.postgresql.org/docs/current/libpq-copy.html).
"""

from __future__ import annotations

import select
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress

import psycopg
from psycopg import errors, pq

#: Bytes of rows that make a chunk: large enough for few Python steps, small enough to keep memory flat.
CHUNK_BYTES = 256 * 1024
#: How long to wait for the server before asking `check` whether to go on. Milliseconds.
POLL_MILLISECONDS = 500


def copy_rows(
    connection: psycopg.Connection[object],
    statement: str,
    *,
    check: Callable[[], None],
    chunk_bytes: Callable[[], int] = lambda: CHUNK_BYTES,
) -> Generator[list[bytes], None, None]:
    """Run `COPY … TO STDOUT` and yield chunks: lists of one `bytes` for each row, of `chunk_bytes` together.

    Between two chunks nothing is read, so that the server waits as soon as what lies between it and us is full.

    `check` is called between chunks and while waiting, and may raise to end it. When it does, or when the
    generator is closed early, the statement is cancelled on the server. Raises psycopg's own errors for
    what the server reports.
    """
    pgconn = connection.pgconn
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)

    def wait() -> None:
        check()
        poll.poll(POLL_MILLISECONDS)
        pgconn.consume_input()

    try:
        pgconn.send_query(statement.encode())
        while pgconn.flush():
            wait()
        _result(pgconn, pq.ExecStatus.COPY_OUT, wait)
        yield from _chunks(pgconn, wait, check, chunk_bytes)
        _result(pgconn, pq.ExecStatus.COMMAND_OK, wait)
    except psycopg.Error:  # the statement has ended
        raise
    except BaseException:
        with suppress(psycopg.Error):  # why it ends matters more; the connection is closed next
            connection.cancel_safe(timeout=5)
        raise


def _chunks(
    pgconn: pq.abc.PGconn, wait: Callable[[], None], check: Callable[[], None], chunk_bytes: Callable[[], int]
) -> Iterator[list[bytes]]:
    take = pgconn.get_copy_data
    rows: list[bytes] = []
    size, most = 0, chunk_bytes()
    while True:
        length, data = take(1)
        if length > 0:
            rows.append(bytes(data))
            size += length
            if size >= most:
                check()
                yield rows
                rows, size, most = [], 0, chunk_bytes()
        elif length == 0:
            wait()
        else:
            break
    if rows:
        yield rows


def _result(pgconn: pq.abc.PGconn, expected: pq.ExecStatus, wait: Callable[[], None]) -> None:
    while pgconn.is_busy():
        wait()
    result = pgconn.get_result()
    if result is None:
        raise psycopg.OperationalError("the connection to PostgreSQL was lost")
    if result.status != expected:
        raise errors.error_from_result(result)
