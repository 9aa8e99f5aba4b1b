"""Orders the undo of an upload, and runs it in this process."""

import csv
import io
from typing import Any

from django.db.models.functions import Now

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.uploads import file_of, run
from uploads.undo.ordering import place_undo


def order_undo(upload: Job) -> Job:
    """The queued undo of an upload, by its owner."""
    upload = Job.objects.select_related("owner").get(pk=upload.pk)
    assert upload.owner is not None
    return place_undo(owner=upload.owner, upload=upload).job


def run_undo(job: Job) -> Job:
    """One attempt, now, whatever it waits for; the job afterwards."""
    Job.objects.filter(pk=job.pk).update(
        state=State.QUEUED, released_at=Now(), scheduled_at=None, retry_at=None, finished_at=None
    )
    return run(job)


def undo(upload: Job) -> Job:
    """Order it, and run one attempt."""
    return run_undo(order_undo(upload))


def shown(job: Job) -> dict[str, Any]:
    """What the status shows of an upload or an undo."""
    return dict((job.result or {})["upload"])


def results(job: Job) -> list[list[str]]:
    """The rows of an undo: record, key, action, reason, detail."""
    rows = list(csv.reader(io.StringIO(file_of(job, Artifact.Role.RESULTS).decode())))
    assert rows[0] == ["record", "key", "action", "reason", "detail"]
    return rows[1:]
