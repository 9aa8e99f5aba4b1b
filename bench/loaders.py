"""Ways of a CSV file into a table: the worker's, PostgreSQL's own client's, and Django's usual ones."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from import_export.instance_loaders import CachedInstanceLoader
from import_export.resources import modelresource_factory
from tablib import Dataset
from uuid_utils.compat import uuid7

from bench.articles.files import HEADINGS
from bench.articles.models import Article
from bench.articles.table import empty
from bench.contenders import PSQL
from bench.measuring import WrongWorkError
from jobs.files.artifacts import ArtifactWriter
from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from jobs.worker.execution import execute_job
from uploads.ordering import ORDERING

#: As the web process receives a file. Bytes.
PIECE: Final = 64 * 1024
#: Rows of one statement of Django.
BATCH: Final = 1000


def order_upload(owner: User, file: Path, *, mode: str = "atomic") -> Job:
    """Store the file, as the web process does with what it receives, and place the order."""
    source = ArtifactWriter(
        Attempt(job_id=uuid7(), fencing_token=0),
        Artifact.Role.SOURCE,
        filename=file.name,
        content_type="text/csv",
        encoding="",
    )
    with source, file.open("rb") as content:
        while piece := content.read(PIECE):
            source.write(piece)
    return ORDERING.place_upload(
        owner=owner, data={"uploadType": "bench-articles", "parameters": {}, "mode": mode}, source=source
    ).job


def upload_and_run(owner: User, file: Path, *, mode: str = "atomic") -> dict[str, Any]:
    """From the bytes to the rows, through the code that a worker runs, all guarantees on. Returns what the status has.

    The queue must be paused: this process does what a worker does when the doorbell rings. Raises WrongWorkError if the
    job does not succeed.
    """
    job = order_upload(owner, file, mode=mode)
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="bench")
    return summary_of(job)


def summary_of(job: Job) -> dict[str, Any]:
    """What became of the rows. Raises WrongWorkError unless the job has succeeded."""
    job = Job.objects.get(pk=job.pk)
    if job.state != State.SUCCEEDED:
        raise WrongWorkError(f"the upload ended as {job.state}: {job.error_message}")
    summary: dict[str, Any] = (job.result or {})["upload"]
    return summary


def psql_copy_in(file: Path) -> None:
    r"""`\copy … FROM`: PostgreSQL reads and writes the rows; nobody checks that they are as they should be."""
    command = rf"\copy bench_articles_article ({HEADINGS}) FROM '{file}' (FORMAT csv, HEADER)"
    arguments = [str(PSQL), "--no-psqlrc", "--quiet", "--command", command, os.environ["DATABASE_URL"]]
    subprocess.run(arguments, check=True)


def fill(file: Path) -> None:
    """Have nothing in the table but what the file says."""
    empty()
    psql_copy_in(file)


def bulk_create(file: Path) -> None:
    """Django's usual way: the csv module and `bulk_create`, in one transaction. Nothing is validated."""
    with transaction.atomic():
        for articles in _batches(file):
            Article.objects.bulk_create(articles)


def checked_bulk_create(file: Path) -> None:
    """The same with what Django can check of a row without asking the database: `Model.clean_fields`.

    Its other checks would ask once for each row. A bad row ends it, and so does a known one, without its line.
    """
    with transaction.atomic():
        for articles in _batches(file):
            for article in articles:
                article.clean_fields(exclude={"id"})
            Article.objects.bulk_create(articles)


def bulk_upsert(file: Path) -> None:
    """The same for rows that may be known: `bulk_create(update_conflicts=True)`."""
    with transaction.atomic():
        for articles in _batches(file):
            Article.objects.bulk_create(
                articles,
                update_conflicts=True,
                unique_fields=["sku"],
                update_fields=["name", "category", "list_price"],
            )


def import_export(file: Path) -> None:
    """What many install for this: django-import-export, with all that its documentation says for speed.

    https://django-import-export.readthedocs.io/en/latest/bulk_import.html
    """
    options = {
        "import_id_fields": ["sku"],
        "fields": tuple(HEADINGS.split(",")),
        "instance_loader_class": CachedInstanceLoader,
        "use_bulk": True,
        "batch_size": BATCH,
        "skip_diff": True,
        "skip_unchanged": True,
        "use_transactions": True,
    }
    resource = modelresource_factory(Article, meta_options=options)()
    with file.open(newline="", encoding="utf-8") as content:
        resource.import_data(Dataset().load(content, format="csv"), raise_errors=True)


def _batches(file: Path) -> Iterator[list[Article]]:
    with file.open(newline="", encoding="utf-8") as content:
        reader = csv.DictReader(content)
        while batch := list(islice(reader, BATCH)):
            yield [Article(**{**row, "list_price": Decimal(row["list_price"])}) for row in batch]
