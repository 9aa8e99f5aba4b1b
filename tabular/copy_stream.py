"""Read the rows of a COPY as fast as libpq delivers them.

`psycopg.Copy` runs its scheduler for every row, which halves the speed. Here all rows that have arrived are copied into
one buffer at once (https://www.postgresql.org/docs/current/libpq-copy.html). Nothing else is done for a single row, and
no object is kept for it: that is what the processor time of an export mostly consists of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import suppress
from io import BytesIO
from itertools import repeat
from operator import length_hint
from typing import Final

import psycopg
from psycopg import pq

from tabular.protocol import Exchange
from tabular.rows import Rows

#: Bytes in a chunk: large enough for few Python steps, small enough to keep memory flat.
CHUNK_BYTES = 256 * 1024
#: Slow rows are yielded after this many seconds even if the chunk is not full, to keep the progress current.
CHUNK_SECONDS = 1.0
#: The argument of `get_copy_data` that makes it return at once if no row has arrived.
_DO_NOT_WAIT: Final = 1


def copy_rows(
    connection: psycopg.Connection[object],
    statement: str,
    *,
    check: Callable[[], None],
    chunk_bytes: Callable[[], int] = lambda: CHUNK_BYTES,
) -> Generator[Rows, None, None]:
    """Run one `COPY … TO STDOUT` and yield its rows in chunks of about `chunk_bytes`, at least one row each.

    A chunk is smaller if its rows take longer than a second to arrive. It is larger if its rows are longer than those
    before, but never by more than libpq has received already. Nothing is read between two chunks, so that the server
    waits once the buffers between it and us are full.

    `check` is called between chunks and while waiting, and may raise. If it does, or if the generator is closed early,
    the statement is canceled on the server. Raises psycopg's own class for an error that the server reports, and
    OperationalError if the server sent another number of rows than it says.
    """
    exchange = Exchange(connection, check)
    try:
        exchange.send(statement)
        exchange.result(pq.ExecStatus.COPY_OUT)
        received = yield from _chunks(exchange, check, chunk_bytes)
        sent = exchange.result(pq.ExecStatus.COMMAND_OK).command_tuples
        exchange.end()
        if received != sent:
            raise psycopg.OperationalError(f"the server sent {sent} rows, but {received} were received")
    except psycopg.Error:  # the statement has ended
        raise
    except BaseException:
        with suppress(psycopg.Error):  # the first error matters more, and the connection is closed next
            connection.cancel_safe(timeout=5)
        raise


def _chunks(
    exchange: Exchange, check: Callable[[], None], chunk_bytes: Callable[[], int]
) -> Generator[Rows, None, int]:
    """Yield the rows of the statement, and return how many there were."""
    most = chunk_bytes()
    row_bytes = max(1, most)  # the first row says how many may be taken at once
    chunk, received = _Chunk(most), 0
    handed_on_at = time.monotonic()
    while True:
        answer = chunk.take(exchange.pgconn, max(1, (most - chunk.size) // row_bytes))
        if chunk.count:
            row_bytes = chunk.size // chunk.count
        if answer < 0:
            break
        if chunk.size < most or not chunk.count:
            if answer:
                continue
            if not chunk.count or time.monotonic() - handed_on_at < CHUNK_SECONDS:
                exchange.wait()
                continue
        check()
        received += chunk.count
        yield chunk.rows()
        most, handed_on_at = chunk_bytes(), time.monotonic()
        chunk = _Chunk(most)
    if chunk.count:
        yield chunk.rows()
    return received + chunk.count


class _Chunk:
    """The rows of a chunk that is being filled."""

    def __init__(self, most: int) -> None:
        """Room is made at once for `most` bytes and a longer last row: a buffer that grows is copied many times."""
        self.count = 0
        self._buffer = BytesIO(bytes(most + most // 16))

    def take(self, pgconn: pq.abc.PGconn, most_rows: int) -> int:
        """Take up to `most_rows` rows that have arrived.

        Returns libpq's last answer: the length of a row, 0 if no further row has arrived, -1 if there are no more.
        """
        write, turns, length = self._buffer.write, repeat(_DO_NOT_WAIT, most_rows), 0
        for length, data in map(pgconn.get_copy_data, turns):
            if length <= 0:
                break
            write(data)
        # `repeat` counts the calls, so that no Python code has to. `copy_rows` compares the sum with the server's.
        self.count += most_rows - length_hint(turns) - (length <= 0)
        return length

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._buffer.tell()

    def rows(self) -> Rows:
        """The rows. Nothing may be added afterwards."""
        self._buffer.truncate()
        return Rows(self._buffer.getvalue(), self.count)
