"""The only code that changes a job's state.

Each transition is one UPDATE guarded by the state it starts from and, for what a worker writes, by
the attempt's fencing token. Changing anything but one row raises, so that of two racing writers one
wins and the other learns it. All times are database time.
"""

from __future__ import annotations

import traceback as tracebacks
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs.errors import LeaseLostError, TransitionError, WorkerLostError, public_error
from jobs.models import Artifact, Attempt, Job
from jobs.retry import Decision, Retry
from jobs.states import Outcome, State


def claim_job(job_id: UUID, *, worker: str, celery_task_id: str, lease_seconds: int) -> Attempt | None:
    """queued → running: begin an attempt with a new fencing token and a lease.

    None when the job is not there to be claimed: unknown, not released, or somebody was first.
    Messages may come twice or late, so that is no error.
    """
    with transaction.atomic():
        claimed = Job.objects.filter(pk=job_id, state=State.QUEUED, released_at__isnull=False).update(
            state=State.RUNNING,
            fencing_token=F("fencing_token") + 1,
            attempt_count=F("attempt_count") + 1,
            lease_expires_at=Now() + timedelta(seconds=lease_seconds),
            progress_done=0,
            progress_total=None,
            started_at=Now(),
            updated_at=Now(),
        )
        if claimed != 1:
            return None
        job = Job.objects.select_related("owner").get(pk=job_id)
        return Attempt.objects.create(
            job=job,
            number=job.fencing_token,
            fencing_token=job.fencing_token,
            worker=worker,
            celery_task_id=celery_task_id,
        )


def finish_job(
    attempt: Attempt,
    *,
    result: dict[str, Any] | None,
    artifacts: Iterable[Artifact],
    rows: int,
    peak_memory_bytes: int,
) -> None:
    """running → succeeded, and publish the artifacts in the same transaction.

    Raises LeaseLostError when the attempt no longer owns the job; nothing is published then.
    """
    with transaction.atomic():
        _end_running(
            attempt,
            state=State.SUCCEEDED,
            result=result,
            progress_done=rows,
            progress_total=rows,
            progress_percent=100,
            retry_at=None,
            finished_at=Now(),
            error_class="",
            error_message="",
            error_fingerprint="",
        )
        published = list(artifacts)
        Artifact.objects.bulk_create(published)
        _end_attempt(
            attempt,
            Outcome.SUCCEEDED,
            rows=rows,
            bytes=sum(artifact.size_bytes for artifact in published),
            peak_memory_bytes=peak_memory_bytes,
        )


def fail_job(
    attempt: Attempt, *, error: BaseException, decision: Decision, rows: int, peak_memory_bytes: int | None
) -> None:
    """running → failed or dead, as `decision` says. The attempt keeps the error and its traceback.

    Raises LeaseLostError when the attempt no longer owns the job.
    """
    with transaction.atomic():
        _end_running(attempt, **after_failure(error, decision))
        _end_attempt(
            attempt,
            Outcome.FAILED,
            rows=rows,
            peak_memory_bytes=peak_memory_bytes,
            traceback="".join(tracebacks.format_exception(error)),
            **described(error),
        )


def lose_attempt(attempt: Attempt, *, decision: Decision) -> None:
    """running → failed or dead, after the worker let the lease expire.

    Raises LeaseLostError when the lease was renewed or the job was ended meanwhile.
    """
    error = WorkerLostError("The worker vanished: its lease expired.")
    with transaction.atomic():
        _end_running(attempt, expired_only=True, **after_failure(error, decision))
        _end_attempt(attempt, Outcome.LOST, **described(error))


def retry_job(job: Job) -> None:
    """failed → queued. Raises TransitionError when the job is not `failed` any more."""
    changed = Job.objects.filter(pk=job.pk, state=State.FAILED).update(
        state=State.QUEUED, retry_at=None, released_at=None, updated_at=Now()
    )
    if changed != 1:
        raise TransitionError(f"job {job.pk} is not {State.FAILED}")


def described(error: BaseException) -> dict[str, str]:
    """An error as jobs and attempts keep it, for the staff: the dotted name of its class, and its message."""
    cls = type(error)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    return {"error_class": name, "error_message": str(error)}


def after_failure(error: BaseException, decision: Decision) -> dict[str, Any]:
    """The columns of the job that a failure changes. `result` is what the owner is told."""
    columns = {**described(error), "result": {"error": public_error(error)}}
    if isinstance(decision, Retry):
        return {**columns, "state": State.FAILED, "retry_at": Now() + decision.delay}
    return {**columns, "state": State.DEAD, "retry_at": None, "finished_at": Now()}


def _end_running(attempt: Attempt, *, expired_only: bool = False, **changes: Any) -> None:
    held = Job.objects.held_by(attempt.job_id, attempt.fencing_token)
    if expired_only:
        held = held.orphaned()
    if held.update(lease_expires_at=None, released_at=None, updated_at=Now(), **changes) != 1:
        raise LeaseLostError(f"attempt {attempt.number} does not own job {attempt.job_id} any more")


def _end_attempt(attempt: Attempt, outcome: Outcome, **changes: Any) -> None:
    Attempt.objects.filter(pk=attempt.pk, outcome="").update(outcome=outcome, finished_at=Now(), **changes)
