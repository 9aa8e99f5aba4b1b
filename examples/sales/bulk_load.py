"""Load millions of rows at once: indexes and foreign keys are created after the rows, not maintained row by row.

PostgreSQL's manual gives the recipe ("Populating a Database"): a constraint that is added to a full table is checked by
one query, an existing one by a trigger for each row.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper

_FOREIGN_KEYS = """
    SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname),
           'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' '
               || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
    ORDER BY conname
"""
_PLAIN_INDEXES = """
    SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE NOT indisunique AND indrelid = ANY (%s::regclass[])
    ORDER BY indexrelid::regclass::text
"""


@contextmanager
def without_indexes_and_foreign_keys(cursor: CursorWrapper, tables: Sequence[str]) -> Iterator[None]:
    """Inside the block, `tables` have only their primary keys and unique constraints.

    Needs a transaction: if the block fails, only the rollback restores the indexes and foreign keys.
    """
    statements: list[tuple[str, str]] = []
    for query in (_FOREIGN_KEYS, _PLAIN_INDEXES):
        cursor.execute(query, [list(tables)])
        statements += cursor.fetchall()
    for drop, _ in statements:
        cursor.execute(drop)
    yield
    for _, create in reversed(statements):
        cursor.execute(create)
