"""Export the list of jobs as a CSV file, without secrets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from jobs.models import Job
from jobs.payloads.masked import masked_payload, secrets_of
from jobs.payloads.redaction import redact
from tabular.spreadsheets import LineDefuser, defuse

COLUMNS: Final = (
    "id", "kind", "type", "queue", "owner", "state", "attempt_count", "error_class", "error_message",
    "error_fingerprint", "created_at", "started_at", "finished_at",
)  # fmt: skip
#: Number of jobs that one statement reads.
CHUNK: Final = 500


class _Echo:
    """A target for `csv.writer` that returns each line."""

    def write(self, line: str) -> str:
        return line


def jobs_as_csv(jobs: QuerySet[Job]) -> StreamingHttpResponse:
    """A download that reads the database while it is sent."""
    response = StreamingHttpResponse(_lines(jobs), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="jobs-{timezone.now():%Y%m%d-%H%M%S}.csv"'
    return response


def _lines(jobs: QuerySet[Job]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    line_defuser = LineDefuser(delimiter=",")
    yield writer.writerow((*COLUMNS, "payload"))
    for job in _in_chunks(jobs.defer(None).select_related("owner").order_by("-pk")):
        yield line_defuser.defuse(writer.writerow(_cells(job)).encode()).decode()


def _in_chunks(jobs: QuerySet[Job]) -> Iterator[Job]:
    """Read with short statements: a single cursor would read the whole list before the first line."""
    chunk = list(jobs[:CHUNK])
    while chunk:
        yield from chunk
        chunk = list(jobs.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def _cells(job: Job) -> Iterable[str]:
    for name in COLUMNS:
        value = getattr(job, name)
        text = "" if value is None else str(value)
        yield defuse(redact(text, secrets_of(job)) if name == "error_message" else text)
    yield json.dumps(masked_payload(job), ensure_ascii=False)
