"""Submission: the only place that creates a job."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from jobs.dispatch.admission import TO_BE_LOCKED, refusal_of
from jobs.dispatch.fairness import LOCK
from jobs.dispatch.idempotency import Idempotency
from jobs.dispatch.mailed import is_mailed
from jobs.dispatch.refusals import count_refusal
from jobs.dispatch.release import release_jobs
from jobs.dispatch.statements import SUBMIT
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.payloads.masked import secret_names
from jobs.payloads.search import terms_of
from jobs.postgres.commit import after_commit
from jobs.postgres.statements import Rows, execute, fetch_all, instance_of, pipeline, planned_again

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
    idempotency: Idempotency | None = None,
    callback_url: str | None = None,
    owners_callback: bool = False,
    max_attempts: int | None = None,
) -> Job:
    """Accept a job: once the caller's transaction commits, it is kept until it has ended.

    `queue` and `max_attempts` default to the kind's. `idempotency` is stored with the job, for
    `jobs.dispatch.idempotency`. The job's end is announced to `callback_url`, a canonical one; without one, if
    `owners_callback`, to the one that the owner has set. It is also announced by mail if owners get mail about this
    kind. The job is released after the commit; if that fails, it stays queued and Beat releases it.

    Raises UnknownKindError, ImproperlyConfigured (there is no such queue) or AdmissionError; then there is no row.
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
        "max_attempts": max_attempts or registered.retry_policy.max_attempts,
        "actor": owner.get_username() if owner else "",
        "idempotency_key": idempotency and idempotency.key,
        "request_fingerprint": idempotency.fingerprint if idempotency else "",
        "callback_url": callback_url,
        "owners_callback": owners_callback,
        "mails": owner is not None and is_mailed(registered),
    }
    rows = fetch_all(SUBMIT, **row, locked=False)
    if rows and rows[0]["verdict"] == TO_BE_LOCKED:
        rows = planned_again(partial(_submit_locked, row))
    if not rows:
        raise ImproperlyConfigured(f"there is no queue named {queue!r}; add it in the admin")
    if refusal := refusal_of(rows[0], queue=queue, type=type_, owner_id=owner.pk if owner else None):
        count_refusal(refusal)
        raise refusal
    job = instance_of(Job, rows[0])
    job.owner = owner  # type: ignore[assignment]  # the user model is a setting
    # "Free" is trusted: release looks again under the queue's lock. "Not free" is not: a place may have become free
    # before this job became visible.
    after_commit(release_jobs, job.queue, has_turn=job.due and rows[0]["has_place"], since=job.pk)
    logger.info("job_submitted", job_id=str(job.pk), kind=kind, queue=job.queue)
    return job


def _submit_locked(row: dict[str, Any]) -> Rows:
    with pipeline():
        execute(LOCK, queue=row["queue"])
        submitted = execute(SUBMIT, **row, locked=True)
    return list(submitted.fetchall())
