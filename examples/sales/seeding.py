"""Sample data: five years of a shop, computed by PostgreSQL from row numbers (see `seed/*.sql`)."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from examples.sales.bulk_load import without_indexes_and_foreign_keys
from examples.sales.models import Customer, Order, OrderLine, Product

_SQL = Path(__file__).parent / "seed"
#: In the order in which they are filled. The SQL file of `sales_order` is `orders.sql`.
_MODELS = (Product, Customer, Order, OrderLine)
_TABLES = [model._meta.db_table for model in _MODELS]
#: Without it, two simultaneous seeds would wait for each other's table locks and then both fill the tables.
_ADVISORY_LOCK = "sales.seed"


@dataclass(frozen=True)
class SeededTable:
    """A step of the work, to show progress."""

    table: str
    rows: int
    seconds: float


def seed_sales(*, lines: int, using: str, only_if_empty: bool = False) -> Generator[SeededTable, None, None]:
    """Replace all sales with sample data of exactly `lines` order lines. Yields each table when it is full.

    All or nothing: one transaction, which ends with the iteration. With `only_if_empty`, nothing is done if there are
    orders. The same `lines` give the same rows, byte for byte, on every machine.
    """
    if lines < 0:
        raise ValueError(f"lines must be 0 or more, not {lines}")
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_ADVISORY_LOCK])
        if only_if_empty and Order.objects.using(using).exists():
            return
        connection.check_constraints()  # a table with pending deferred checks can be neither truncated nor altered
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute("SELECT set_config('sales.seed_lines', %s, true)", [str(lines)])
        cursor.execute(f"TRUNCATE {', '.join(_TABLES)} RESTART IDENTITY")
        _run(cursor, "functions")
        with without_indexes_and_foreign_keys(cursor, _TABLES):
            for table in _TABLES:
                started = time.monotonic()
                rows = _run(cursor, table.removeprefix("sales_") + "s")
                yield SeededTable(table, rows, time.monotonic() - started)
        for statement in connection.ops.sequence_reset_sql(no_style(), _MODELS):
            cursor.execute(statement)
    _tidy(using=using)


def _run(cursor: CursorWrapper, name: str) -> int:
    cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"))
    rows: int = cursor.rowcount
    return rows


def _tidy(*, using: str) -> None:
    """Give the planner its statistics. VACUUM too, or the first report would pay for setting the hint bits."""
    connection = connections[using]
    command = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    with connection.cursor() as cursor:
        cursor.execute(f"{command} {', '.join(_TABLES)}")
