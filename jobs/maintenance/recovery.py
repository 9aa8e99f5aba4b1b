"""Recovery: release waiting jobs, publish lost messages again, retry failed jobs, rescue jobs of lost workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from jobs.dispatch.release import publish_jobs, release_jobs
from jobs.errors import WorkerLostError
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Attempt, Job, Queue
from jobs.worker.lost_processes import with_last_memory
from jobs.worker.policy import decide_for
from jobs.worker.transitions import lose_attempt, retry_job

logger = structlog.get_logger(__name__)


@sweep(every_seconds=5)
def release_due_jobs() -> int:
    """Release waiting jobs: scheduled jobs whose time has come, and jobs whose release failed."""
    with transaction.atomic():
        due = Job.objects.scheduled_until_now().select_for_update(no_key=True, skip_locked=True)
        Job.objects.filter(pk__in=list(due.values_list("pk", flat=True)[:BATCH_SIZE])).update(due=True)
    return sum(len(release_jobs(name)) for name in Queue.objects.values_list("name", flat=True))


@sweep(every_seconds=10)
def republish_lost_jobs() -> int:
    """Publish again the messages of released jobs that no worker has claimed: Redis may have lost them.

    `released_at` stays, so that it shows how long the job has been unclaimed.
    """
    by_queue: dict[str, list[UUID]] = defaultdict(list)
    with transaction.atomic():
        lost = Job.objects.lost_by_redis(seconds=settings.REPUBLISH_AFTER_SECONDS)
        for job in lost.only("pk", "queue").select_for_update(no_key=True, skip_locked=True)[:BATCH_SIZE]:
            by_queue[job.queue].append(job.pk)
        for queue, ids in by_queue.items():
            Job.objects.filter(pk__in=ids).update(updated_at=Now())
            logger.warning("jobs_republished", queue=queue, jobs=len(ids))
            transaction.on_commit(partial(publish_jobs, queue, ids))
    return sum(map(len, by_queue.values()))


@sweep(every_seconds=5)
def retry_failed_jobs() -> int:
    """Queue failed jobs whose backoff is over."""
    return apply_each(Job.objects.due_for_retry().only("pk", "queue")[:BATCH_SIZE], retry_job)


@sweep(every_seconds=10)
def rescue_orphaned_jobs() -> int:
    """End attempts whose lease has expired, so that their jobs are retried or dead-lettered."""
    return apply_each(Job.objects.orphaned()[:BATCH_SIZE], rescue_job)


def rescue_job(job: Job) -> None:
    """End the attempt of a lost worker. Raises LeaseLostError if its lease was renewed or the job has ended."""
    attempt = Attempt.objects.select_related("job").get(job=job, fencing_token=job.fencing_token)
    lost = WorkerLostError("The worker stopped renewing its lease: it was killed, or its machine or network failed.")
    error = with_last_memory(lost, attempt)
    decision = decide_for(job, error=error)
    lose_attempt(attempt, error=error, decision=decision, expired_only=True)
    logger.warning("job_rescued", job_id=str(job.pk), attempt=attempt.number, decision=repr(decision))


def apply_each(jobs: Iterable[Job], change: Callable[[Job], None]) -> int:
    """Change each job, then release their queues; returns how many jobs were changed."""
    queues = set()
    with IndependentTransactions() as each:
        for job in jobs:
            with each(job.pk):
                change(job)
                each.handled += 1
                queues.add(job.queue)
        for name in queues:
            release_jobs(name)
    return each.handled
