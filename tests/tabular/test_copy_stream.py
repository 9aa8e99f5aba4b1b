"""The rows of a COPY: the server's bytes, counted exactly, in chunks of the wanted size."""

import psycopg
import pytest
from django.db import connection

from tabular import copy_stream
from tabular.copy_stream import copy_rows
from tabular.rows import Rows

pytestmark = pytest.mark.django_db

#: Some rows have line breaks and quotation marks in their cells, and some are longer than what libpq reads at once.
ODD = r"""
    SELECT i, CASE i % 5 WHEN 0 THEN E'a\n"b"\r\nc' WHEN 1 THEN NULL WHEN 2 THEN repeat('髙', i * 20) ELSE '' END
    FROM generate_series(1, 1000) i
"""


def session() -> psycopg.Connection[object]:
    connection.ensure_connection()
    return connection.connection  # type: ignore[no-any-return]


def rows_of(query: str, *, most: int = copy_stream.CHUNK_BYTES) -> list[Rows]:
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    return list(copy_rows(session(), statement, check=lambda: None, chunk_bytes=lambda: most))


@pytest.mark.parametrize("most", [0, 1, 1000, 100_000, 10_000_000])
def test_the_bytes_are_the_servers_and_each_row_counts_once(most: int) -> None:
    with session().cursor() as cursor, cursor.copy(f"COPY ({ODD}) TO STDOUT (FORMAT csv)") as copy:
        expected = list(map(bytes, copy))
    chunks = rows_of(ODD, most=most)
    assert b"".join(chunk.data for chunk in chunks) == b"".join(expected)
    counts = [chunk.count for chunk in chunks]
    assert sum(counts) == 1000
    taken = 0
    for chunk in chunks:
        assert chunk.data == b"".join(expected[taken : taken + chunk.count])
        taken += chunk.count
    if most <= 1:
        assert counts == [1] * 1000


def test_rows_of_one_length_make_chunks_of_the_wanted_size() -> None:
    chunks = rows_of("SELECT repeat('x', 99) FROM generate_series(1, 1000)", most=1000)
    assert [(chunk.count, len(chunk.data)) for chunk in chunks] == [(10, 1000)] * 100


def test_no_rows_are_no_chunk() -> None:
    assert rows_of("SELECT 1 WHERE false") == []


def test_an_error_of_the_server_among_the_rows_leaves_the_session_usable() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
    with pytest.raises(psycopg.errors.DivisionByZero):
        rows_of("SELECT 1 / (900 - i) FROM generate_series(1, 1000) i", most=100)
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK TO before")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_another_number_of_rows_than_the_servers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_stream, "length_hint", lambda turns: 0)
    with pytest.raises(psycopg.OperationalError, match=r"^the server sent 3 rows, but [0-9]+ were received$"):
        rows_of("SELECT generate_series(1, 3)")
