"""Submit: the first step of a job's way, and the only place that makes one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from jobs.admission import admit
from jobs.events import record_event
from jobs.kinds import get_kind
from jobs.models import Event, Job
from jobs.release import release_jobs

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = structlog.get_logger(__name__)


def submit_job(
    *,
    kind: str,
    owner: AbstractBaseUser | None,
    payload: dict[str, Any],
    queue: str | None = None,
    priority: int = 0,
    scheduled_at: datetime | None = None,
) -> Job:
    """Accept a job: once the caller's transaction commits, it is kept until it has ended.

    `queue` defaults to the kind's. The job is released when the transaction has committed; should
    that fail, the job stays queued and Beat releases it.

    Raises UnknownKindError, QueueFullError or OwnerQueueFullError; there is no row then.
    """
    registered = get_kind(kind)
    with transaction.atomic():
        admit(queue=queue or registered.queue, owner=owner)
        job = Job.objects.create(
            kind=kind,
            owner=owner,  # type: ignore[misc]  # the user model is a setting
            payload=payload,
            queue=queue or registered.queue,
            priority=priority,
            scheduled_at=scheduled_at,
            due=scheduled_at is None,
            max_attempts=registered.retry_policy.max_attempts,
        )
        record_event(job.pk, Event.Name.SUBMITTED, actor=owner.get_username() if owner else "")
        transaction.on_commit(partial(release_jobs, job.queue), robust=True)
    logger.info("job_submitted", job_id=str(job.pk), kind=kind, queue=job.queue)
    return job
