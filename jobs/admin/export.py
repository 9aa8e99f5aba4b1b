"""The list of jobs as a CSV file, without secrets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from jobs.failures import redact
from jobs.models import Job
from jobs.payloads import masked_payload, secrets_of

COLUMNS: Final = (
    "id", "kind", "type", "queue", "owner", "state", "attempt_count", "error_class", "error_message",
    "error_fingerprint", "created_at", "started_at", "finished_at",
)  # fmt: skip
#: A text cell that begins with one of these may be run by a spreadsheet.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """What `csv.writer` writes to: hands each line back."""

    def write(self, line: str) -> str:
        """The line."""
        return line


def jobs_as_csv(jobs: QuerySet[Job]) -> StreamingHttpResponse:
    """A download that is read from the database as it is sent."""
    response = StreamingHttpResponse(_lines(jobs), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="jobs-{timezone.now():%Y%m%d-%H%M%S}.csv"'
    return response


def _lines(jobs: QuerySet[Job]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow((*COLUMNS, "payload"))
    for job in jobs.defer(None).select_related("owner").order_by("-pk").iterator(chunk_size=500):
        yield writer.writerow(_cells(job))


def _cells(job: Job) -> Iterable[str]:
    for name in COLUMNS:
        value = getattr(job, name)
        yield _defused(redact(value, secrets_of(job)) if name == "error_message" else value)
    yield json.dumps(masked_payload(job), ensure_ascii=False)


def _defused(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
