"""Read the rows of a COPY as fast as libpq delivers them.

`psycopg.Copy` runs its scheduler for every row, which halves the speed. Here all rows that have arrived are taken at
once (https://www.postgresql.org/docs/current/libpq-copy.html).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress

import psycopg
from psycopg import pq

from tabular.protocol import Exchange

#: Bytes in a chunk: large enough for few Python steps, small enough to keep memory flat.
CHUNK_BYTES = 256 * 1024
#: Slow rows are yielded after this many seconds even if the chunk is not full, to keep the progress current.
CHUNK_SECONDS = 1.0


def copy_rows(
    connection: psycopg.Connection[object],
    statement: str,
    *,
    check: Callable[[], None],
    chunk_bytes: Callable[[], int] = lambda: CHUNK_BYTES,
) -> Generator[list[bytes], None, None]:
    """Run one `COPY … TO STDOUT` and yield chunks: lists with one `bytes` for each row, `chunk_bytes` in total.

    A chunk is smaller if its rows take longer than a second to arrive. Nothing is read between two chunks, so that the
    server waits once the buffers between it and us are full.

    `check` is called between chunks and while waiting, and may raise. If it does, or if the generator is closed early,
    the statement is canceled on the server. Raises psycopg's own class for an error that the server reports.
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
        with suppress(psycopg.Error):  # the first error matters more, and the connection is closed next
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
