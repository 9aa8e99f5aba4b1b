"""Submit: the first step of a job's way, and the only place that makes one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from jobs.admission import admit
from jobs.errors import AdmissionError, QueueFullError
from jobs.flow import retry_after_refusal
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.payloads import secret_names
from jobs.refusals import count_refusal
from jobs.release import release_jobs
from jobs.search import terms_of
from jobs.statements import SUBMIT, instance_of, run

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
    queue = queue or registered.queue
    type_ = registered.inspector.type_of(payload)
    row = {
        "job_id": uuid7(),
        "kind": kind,
        "type": type_,
        "terms": terms_of(kind, payload, secret_names(kind, payload)),
        "queue": queue,
        "owner": owner and owner.pk,
        "payload": Jsonb(payload),
        "priority": priority,
        "scheduled_at": scheduled_at,
        "max_attempts": registered.retry_policy.max_attempts,
        "actor": owner.get_username() if owner else "",
    }
    rows = run(SUBMIT, **row, counted=False)
    if not rows:
        try:
            with transaction.atomic():
                admit(queue=queue, kind=kind, type=type_, owner=owner)
                rows = run(SUBMIT, **row, counted=True)
                if not rows:  # its type got dials, and was closed, a moment ago
                    raise QueueFullError(f"The queue {queue} accepts no jobs at the moment.", of_type=True)
        except AdmissionError as refusal:
            count_refusal(refusal, queue=queue)
            refusal.retry_after = retry_after_refusal(refusal, queue=queue, owner=owner)
            raise
    job = instance_of(Job, rows[0])
    job.owner = owner  # type: ignore[assignment]  # the user model is a setting
    transaction.on_commit(partial(release_jobs, queue), robust=True)
    logger.info("job_submitted", job_id=str(job.pk), kind=kind, queue=job.queue)
    return job
