"""Read the rows of a COPY as fast as libpq hands them over.

`psycopg.Copy` goes through its scheduler for every row, which halves the speed; here the rows that
have arrived are taken in one go (https://www.postgresql.org/docs/current/libpq-copy.html).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress

import psycopg
from psycopg import pq

from tabular.protocol import Exchange

#: Bytes of rows that make a chunk: large enough for few Python steps, small enough to keep memory flat.
CHUNK_BYTES = 256 * 1024
#: Rows that come slowly are handed on after so long, though they fill no chunk: progress and the time left follow them.
#: Seconds.
CHUNK_SECONDS = 1.0


def copy_rows(
    connection: psycopg.Connection[object],
    statement: str,
    *,
    check: Callable[[], None],
    chunk_bytes: Callable[[], int] = lambda: CHUNK_BYTES,
) -> Generator[list[bytes], None, None]:
    """Run one `COPY … TO STDOUT` and yield chunks: lists of one `bytes` for each row, of `chunk_bytes` together.

    A chunk is smaller where its rows took longer than a second to come.

    Between two chunks nothing is read, so that the server waits as soon as what lies between it and us is full.

    `check` is called between chunks and while waiting, and may raise to end it. When it does, or when the
    generator is closed early, the statement is cancelled on the server. Raises psycopg's own errors for
    what the server reports.
    """
    exchange = Exchange(connection, check)
    try:
        exchange.send(statement)
        exchange.result(pq.ExecStatus.COPY_OUT)
        yield from _chunks(exchange, check, chunk_bytes)
        exchange.result(pq.ExecStatus.COMMAND_OK)
        exchange.end()
    except psycopg.Error:  # the statement has ended
        raise
    except BaseException:
        with suppress(psycopg.Error):  # why it ends matters more; the connection is closed next
            connection.cancel_safe(timeout=5)
        raise


def _chunks(exchange: Exchange, check: Callable[[], None], chunk_bytes: Callable[[], int]) -> Iterator[list[bytes]]:
    take = exchange.pgconn.get_copy_data
    rows: list[bytes] = []
    size, most = 0, chunk_bytes()
    handed_on_at = time.monotonic()
    while True:
        length, data = take(1)
        if length > 0:
            rows.append(bytes(data))
            size += length
            if size < most:
                continue
        elif length < 0:
            break
        elif not rows or time.monotonic() - handed_on_at < CHUNK_SECONDS:
            exchange.wait()
            continue
        check()
        yield rows
        rows, size, most, handed_on_at = [], 0, chunk_bytes(), time.monotonic()
    if rows:
        yield rows
