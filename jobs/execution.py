"""Execute: claim a job, run its handler, finish it. What a Celery task calls."""

from __future__ import annotations

import resource
import sys
from uuid import UUID

import structlog
from django.conf import settings
from structlog.contextvars import bound_contextvars

from jobs.context import JobContext
from jobs.errors import LeaseLostError, UnknownKindError
from jobs.heartbeat import beating
from jobs.kinds import get_kind
from jobs.models import Attempt, Job
from jobs.release import release_jobs
from jobs.retry import RetryPolicy, decide
from jobs.transitions import claim_job, fail_job, finish_job

logger = structlog.get_logger(__name__)


def execute_job(job_id: UUID, *, worker: str, celery_task_id: str = "") -> None:
    """Run one attempt of a job to its end, if the job is there to be claimed."""
    attempt = claim_job(job_id, worker=worker, celery_task_id=celery_task_id, lease_seconds=settings.LEASE_SECONDS)
    if attempt is None:
        logger.info("job_not_claimable", job_id=str(job_id))
        return
    with bound_contextvars(job_id=str(job_id), attempt=attempt.number, kind=attempt.job.kind):
        logger.info("attempt_started", worker=worker)
        try:
            run_attempt(attempt)
        finally:
            release_jobs(attempt.job.queue)


def run_attempt(attempt: Attempt) -> None:
    """Run the handler under a heartbeat; then finish the job, or record why it failed."""
    context = JobContext(attempt)
    try:
        kind = get_kind(attempt.job.kind)
        with beating(context, lease_seconds=settings.LEASE_SECONDS):
            result = kind.handler(context)
        context.check()
        finish_job(
            attempt,
            result=result,
            artifacts=[writer.artifact() for writer in context.written],
            rows=context.rows_done,
            peak_memory_bytes=peak_memory_bytes(),
        )
        logger.info("attempt_succeeded", rows=context.rows_done)
    except LeaseLostError:
        logger.warning("attempt_lost_its_lease")
        context.discard_files()
    except Exception as error:
        record_failure(context, error)
    except BaseException:  # the worker is being ended: leave no file; the lease tells the rest
        context.discard_files()
        raise


def record_failure(context: JobContext, error: Exception) -> None:
    """Let the kind's policy decide what becomes of the job, and leave no file behind."""
    attempt = context.attempt
    decision = decide(
        retry_policy(attempt.job),
        error=error,
        attempt_count=attempt.job.attempt_count,
        max_attempts=attempt.job.max_attempts,
    )
    logger.warning("attempt_failed", error=repr(error), decision=repr(decision))
    try:
        fail_job(attempt, error=error, decision=decision, rows=context.rows_done, peak_memory_bytes=peak_memory_bytes())
    except LeaseLostError:
        logger.warning("attempt_lost_its_lease")
    context.discard_files()


def retry_policy(job: Job) -> RetryPolicy:
    """The policy of the job's kind, or the default when its app is gone."""
    try:
        return get_kind(job.kind).retry_policy
    except UnknownKindError:
        return RetryPolicy()


def peak_memory_bytes() -> int:
    """The highest resident size of this process so far, in bytes (getrusage(2))."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
