"""Chains of small jobs: one is claimed, ends, and the next is claimed, as a worker does it."""

import time

from jobs.context import JobContext
from jobs.models import Job
from jobs.worker.going_on import Next, finish_and_claim_next
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import claim_job


def running(job: Job, *, lease_seconds: float = 60, seconds: float = 0) -> JobContext:
    """Claimed so many seconds ago."""
    attempt = claim_job(job.pk, worker="w", celery_task_id="t", lease_seconds=60)
    assert attempt
    return JobContext(attempt, lease_seconds=lease_seconds, asked_at=time.monotonic() - seconds)


def go_on(context: JobContext, reserved: Reserved | None = None, *, pauses: bool = False) -> Next:
    reserved = reserved or Reserved(context.job.queue)
    return finish_and_claim_next(
        context, reserved=reserved, pauses=pauses, result={"a": 1}, rows=3, peak_memory_bytes=99
    )


def assert_next(following: Next, job: Job, *, more: bool) -> None:
    assert following.attempt
    assert (following.attempt.job_id, following.more) == (job.pk, more)
