"""The table in the database, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from bench.articles.models import Article

#: Number of rows, and a sum over all their values that does not depend on their order.
State = tuple[int, int]


@contextmanager
def article_table() -> Iterator[None]:
    """The empty table, for the length of a block."""
    with connection.schema_editor() as editor:
        editor.create_model(Article)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Article)


def empty() -> None:
    """As it was in the beginning."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_articles_article RESTART IDENTITY")


def state() -> State:
    """What the table holds, but for the primary keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(hashtextextended(row::text, 0)::numeric), 0)"
            " FROM (SELECT sku, name, category, list_price FROM bench_articles_article) AS row"
        )
        rows, digest = cursor.fetchone()
    return int(rows), int(digest)
