"""Upload bytes and run the job in this process, as a worker does."""

import hashlib
from contextlib import closing
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import get_language
from uuid_utils.compat import uuid7

from jobs.events import record_event
from jobs.files.artifacts import open_artifact_range, storage_name
from jobs.files.storage import artifact_storage
from jobs.models import Artifact, Event, Job
from jobs.states import State
from jobs.worker.execution import execute_job
from tabular.dialect import Dialect

PAYLOAD: dict[str, Any] = {
    "parameters": {},
    "csv": {"encoding": None, "delimiter": None},
    "mode": "atomic",
    "dryRun": False,
    "plan": None,
    "corrects": None,
    "repeats": None,
    "undoes": None,
    "continues": None,
}


def make_upload(owner: User, upload_type: str, data: bytes, **options: Any) -> Job:
    """A job that is handed out, with its stored file."""
    job_id = uuid7()
    name = storage_name(job_id, 0, "source")
    sha256 = hashlib.sha256(data).hexdigest()
    payload = {
        **PAYLOAD,
        "language": get_language() or "en",
        "uploadType": upload_type,
        "file": {"filename": "rows.csv", "sizeBytes": len(data), "sha256": sha256},
        **options,
    }
    with transaction.atomic():
        job = Job.objects.create(
            id=job_id,
            kind="upload",
            type=upload_type,
            queue="uploads",
            owner=owner,
            payload=payload,
            max_attempts=5,
            released_at=Now(),
        )
        record_event(job.pk, Event.Name.SUBMITTED)
        Artifact.objects.create(
            job=job,
            role=Artifact.Role.SOURCE,
            storage_name=name,
            filename="rows.csv",
            content_type="text/csv",
            encoding="",
            row_count=0,
            size_bytes=len(data),
            sha256=sha256,
            published_at=Now(),
        )
        file = artifact_storage().open_for_writing(name)
        file.write(data)
        file.close()
    return job


def run(job: Job) -> Job:
    """Execute one attempt, even if the queue is paused; the job afterwards."""
    Job.objects.filter(pk=job.pk, state=State.QUEUED, released_at=None).update(released_at=Now())
    execute_job(job.pk, worker="w", celery_task_id="t")
    return Job.objects.get(pk=job.pk)


def upload(owner: User, upload_type: str, data: str | bytes, **options: Any) -> Job:
    """Upload and execute."""
    return run(make_upload(owner, upload_type, data.encode() if isinstance(data, str) else data, **options))


def file_of(job: Job, role: Artifact.Role) -> bytes:
    """The content of a file of a job."""
    artifact = Artifact.objects.get(job=job, role=role)
    with closing(open_artifact_range(artifact, first=0, last=max(0, artifact.size_bytes - 1))) as stored:
        return b"".join(stored)


def report(owner: User, report_type: str, **csv: Any) -> bytes:
    """The file of a report without parameters, to upload it again."""
    payload = {"reportType": report_type, "parameters": {}, "csv": Dialect(**csv).to_payload()}
    job = Job.objects.create(
        kind="report", type=report_type, queue="reports", owner=owner, payload=payload, max_attempts=1,
        released_at=Now(),
    )  # fmt: skip
    return file_of(run(job), Artifact.Role.RESULT)
