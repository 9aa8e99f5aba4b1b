"""Submission: the only place that creates a job."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from jobs.dispatch.admission import refusal_of
from jobs.dispatch.idempotency import Idempotency
from jobs.dispatch.insertion import insert_alone, insert_within_transaction
from jobs.dispatch.mailed import is_mailed
from jobs.dispatch.refusals import count_refusal
from jobs.dispatch.release import is_declared, release_jobs
from jobs.dispatch.remembered_queue import note_waiting
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.payloads.masked import secret_names
from jobs.payloads.search import terms_of
from jobs.postgres.commit import after_commit
from jobs.states import State

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
    kind. Without a transaction of the caller, a job that finds a free place while no other waits is handed out as it is
    stored; any other is released after the commit. If that fails, it stays queued and Beat releases it.

    Raises UnknownKindError, ImproperlyConfigured (there is no such queue) or AdmissionError; then there is no row.
    """
    registered = get_kind(kind)
    queue = queue or registered.queue
    type_ = registered.inspector.type_of(payload)
    row = {
        "id": uuid7(),
        "kind": kind,
        "type": type_,
        "queue": queue,
        "priority": priority,
        "scheduled_at": scheduled_at,
        "due": scheduled_at is None,
        "max_attempts": max_attempts or registered.retry_policy.max_attempts,
        "idempotency_key": idempotency and idempotency.key,
        "request_fingerprint": idempotency.fingerprint if idempotency else "",
        "mails": owner is not None and is_mailed(registered),
    }
    parameters = {
        **row,
        "payload": Jsonb(payload),
        "owner": owner and owner.pk,
        "actor": owner.get_username() if owner else "",
        "terms": terms_of(kind, payload, secret_names(kind, payload)),
        "callback_url": callback_url,
        "owners_callback": owners_callback,
    }
    is_alone = not connection.in_atomic_block and is_declared(queue)
    inserted = (insert_alone if is_alone else insert_within_transaction)(parameters)
    if inserted is None:
        raise ImproperlyConfigured(f"there is no queue named {queue!r}; add it in the admin")
    if refusal := refusal_of(inserted.row, queue=queue, type=type_, owner_id=owner.pk if owner else None):
        count_refusal(refusal)
        raise refusal
    known = {name: inserted.row[name] for name in ("released_at", "calls_back", "created_at")}
    job = Job(**row, **known, payload=payload, state=State.QUEUED, updated_at=known["created_at"])
    job.owner = owner  # type: ignore[assignment]  # the user model is a setting
    job._state.adding, job._state.db = False, DEFAULT_DB_ALIAS
    if job.released_at is None and inserted.looks_again:
        after_commit(release_jobs, queue, has_turn=inserted.has_turn, since=job.pk)
    if job.due and job.released_at is None:
        after_commit(note_waiting, job)
    logger.info("job_submitted", job_id=str(job.pk), kind=kind, queue=job.queue)
    return job
