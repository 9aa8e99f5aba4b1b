"""Rows that come slowly are handed on before a chunk is full, so that progress and the time left follow them."""

import pytest
from django.db import connection

from tabular.copy_stream import copy_rows

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_wide_rows_that_come_slowly_are_handed_on_by_time() -> None:
    slow = "SELECT repeat('x', 20000), pg_sleep(0.5) FROM generate_series(1, 6)"
    connection.ensure_connection()
    chunks = list(copy_rows(connection.connection, f"COPY ({slow}) TO STDOUT", check=lambda: None))
    assert sum(chunk.count for chunk in chunks) == 6
    assert len(chunks) >= 2
