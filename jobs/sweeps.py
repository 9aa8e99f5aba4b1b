"""What Beat runs now and then. Each sweep is one function, safe to run twice at once, bounded by a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from jobs.artifacts import delete_artifact_file
from jobs.errors import TransitionError
from jobs.execution import retry_policy
from jobs.models import Artifact, Attempt, Job, Queue
from jobs.release import publish_jobs, release_jobs
from jobs.retry import decide
from jobs.states import Outcome
from jobs.transitions import lose_attempt, retry_job

logger = structlog.get_logger(__name__)

#: Rows that one run of a sweep handles at most; the next tick goes on.
BATCH_SIZE = 500


def release_due_jobs() -> None:
    """Release what waits: scheduled jobs whose time has come, and jobs whose release failed."""
    with exclusive("release_due_jobs") as alone:
        if alone:
            for name in Queue.objects.values_list("name", flat=True):
                release_jobs(name)


def republish_lost_jobs() -> None:
    """Ring again for released jobs that no worker claimed: Redis may have lost the message."""
    with exclusive("republish_lost_jobs") as alone:
        if not alone:
            return
        lost = Job.objects.lost_by_redis(seconds=settings.REPUBLISH_AFTER_SECONDS)
        by_queue: dict[str, list[UUID]] = defaultdict(list)
        for job in lost.only("pk", "queue").select_for_update(skip_locked=True)[:BATCH_SIZE]:
            by_queue[job.queue].append(job.pk)
        for queue, ids in by_queue.items():
            Job.objects.filter(pk__in=ids).update(released_at=Now())
            logger.warning("jobs_republished", queue=queue, jobs=len(ids))
            transaction.on_commit(partial(publish_jobs, queue, ids))


def retry_failed_jobs() -> None:
    """Queue failed jobs again whose backoff is over."""
    with exclusive("retry_failed_jobs") as alone:
        if not alone:
            return
        queues = set()
        for job in Job.objects.due_for_retry().only("pk", "queue")[:BATCH_SIZE]:
            try:
                retry_job(job)
                queues.add(job.queue)
            except TransitionError:
                logger.info("retry_overtaken", job_id=str(job.pk))
        for name in queues:
            transaction.on_commit(partial(release_jobs, name))


def rescue_orphaned_jobs() -> None:
    """End attempts whose lease has expired, so that their jobs are retried or dead-lettered."""
    with exclusive("rescue_orphaned_jobs") as alone:
        if not alone:
            return
        for job in Job.objects.orphaned()[:BATCH_SIZE]:
            attempt = Attempt.objects.select_related("job").get(job=job, fencing_token=job.fencing_token)
            decision = decide(
                retry_policy(job),
                error=None,
                attempt_count=job.attempt_count,
                max_attempts=job.max_attempts,
                lost_in_a_row=lost_in_a_row(job),
            )
            try:
                lose_attempt(attempt, decision=decision)
                logger.warning("job_rescued", job_id=str(job.pk), attempt=attempt.number, decision=repr(decision))
            except TransitionError:
                logger.info("rescue_overtaken", job_id=str(job.pk))


def expire_artifacts() -> None:
    """Delete the files whose time is over. The job stays and says `Expired`."""
    with exclusive("expire_artifacts") as alone:
        if alone:
            for artifact in Artifact.objects.filter(expires_at__lt=Now(), deleted_at=None)[:BATCH_SIZE]:
                delete_artifact_file(artifact)


def lost_in_a_row(job: Job) -> int:
    """How many attempts in a row were lost, counting the one that is being rescued."""
    count = 1
    for outcome in job.attempts.exclude(outcome="").order_by("-number").values_list("outcome", flat=True):
        if outcome != Outcome.LOST:
            break
        count += 1
    return count


@contextmanager
def exclusive(name: str) -> Iterator[bool]:
    """A transaction under an advisory lock; False when another worker holds it just now.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"longhaul.{name}"])
        yield cursor.fetchone()[0]
