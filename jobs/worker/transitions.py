"""The transitions of an attempt, and the retry of a job. Those that people make are in `jobs.interventions.batches`.

Each is one UPDATE guarded by the state that it starts from and, if a worker makes it, by the attempt's fencing token.
It raises unless it changes exactly one row, so that one of two racing writers wins and the other learns that it lost.
It adds its events to the timeline in the same transaction. A transition that ends an attempt without finishing its job
returns the attempt's outcome. All times are database time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from jobs.classification import classify
from jobs.errors import AttemptStoppedError, LeaseLostError, PostponedError, RejectedError, TransitionError
from jobs.events import record_event
from jobs.models import Artifact, Attempt, Event, Job
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import LONGEST_MESSAGE, redact
from jobs.postgres.statements import fetch_all, instance_of
from jobs.retry import Bury, Decision
from jobs.states import Outcome, State
from jobs.worker.failures import FailureRecord, describe_failure
from jobs.worker.statements import CLAIM, FINISH, OWNER, OWNER_PREFIX


def claim_job(job_id: UUID, *, worker: str, celery_task_id: str, lease_seconds: int) -> Attempt | None:
    """queued → running: begin an attempt with a new fencing token and a lease.

    None if the job is unknown, not released, or already claimed. Messages may come twice or late, so that is no error.
    """
    task = {"worker": worker, "process_id": os.getpid(), "celery_task_id": celery_task_id}
    claimed = fetch_all(CLAIM, job_id=job_id, lease_seconds=lease_seconds, **task)
    return attempt_of(claimed[0], **task) if claimed else None


def attempt_of(claimed: dict[str, Any], **task: Any) -> Attempt:
    """The attempt of `task` that a claim has begun, with its job and the job's owner."""
    job = instance_of(Job, claimed)
    if job.owner_id is not None:
        job.owner = instance_of(OWNER, claimed, prefix=OWNER_PREFIX)
    token, started_at = job.fencing_token, cast("datetime", job.started_at)
    return Attempt(pk=claimed["attempt_id"], job=job, number=token, fencing_token=token, started_at=started_at, **task)


def finish_job(
    attempt: Attempt,
    *,
    result: dict[str, Any] | None,
    artifacts: Iterable[Artifact],
    rows: int,
    peak_memory_bytes: int,
    effect: Callable[[], None] | None = None,
) -> None:
    """running → succeeded, publish the artifacts, and call `effect` first, all in one transaction.

    Raises LeaseLostError if the attempt no longer owns the job; nothing is published then, and `effect` is undone. The
    job's row is locked last: the heartbeat and a request to cancel must not wait for `effect`.
    """
    published = list(artifacts)
    size = sum(artifact.size_bytes for artifact in published)
    with transaction.atomic():
        if effect is not None:
            effect()
        measured = {"rows": rows, "bytes": size, "peak_memory_bytes": peak_memory_bytes}
        if not fetch_all(FINISH, **finishing(attempt, result=result, **measured)):
            raise lost(attempt)
        Artifact.objects.bulk_create(published)


def fail_job(
    attempt: Attempt,
    *,
    error: BaseException,
    decision: Decision,
    artifacts: Iterable[Artifact] = (),
    **measured: int | None,
) -> Outcome:
    """running → failed or dead, as decided, or cancelled if that was requested meanwhile.

    The attempt keeps the error, its traceback, and the `measured` values: `rows`, `peak_memory_bytes`. `artifacts` say
    what is wrong with the input (RejectedError); they are published. Raises LeaseLostError if the attempt no longer
    owns the job.
    """
    with transaction.atomic():
        record = _end_in_failure(attempt, error, decision, Event.Name.FAILED, artifacts=artifacts)
        return _end_attempt(attempt, Outcome.FAILED, traceback=record.traceback, **record.columns(), **measured)


def lose_attempt(
    attempt: Attempt, *, error: AttemptStoppedError, decision: Decision, expired_only: bool, **measured: int | None
) -> Outcome:
    """running → failed or dead, or cancelled if that was requested: the worker was lost, or the attempt stalled.

    Raises LeaseLostError if the attempt no longer owns the job or, with `expired_only`, its lease was renewed.
    """
    with transaction.atomic():
        record = _end_in_failure(attempt, error, decision, Event.Name.RESCUED, expired_only=expired_only)
        return _end_attempt(attempt, Outcome.LOST, traceback=record.traceback, **record.columns(), **measured)


def cancel_attempt(attempt: Attempt, **measured: int | None) -> Outcome:
    """running → cancelled, by the worker, on request. Raises LeaseLostError if the attempt no longer owns the job."""
    with transaction.atomic():
        _leave_running(attempt, state=State.CANCELLED, finished_at=Now())
        _end_attempt(attempt, Outcome.CANCELLED, **measured)
        record_event(attempt.job_id, Event.Name.CANCELLED, attempt=attempt.number)
    return Outcome.CANCELLED


def hand_back_job(attempt: Attempt, **measured: int | None) -> Outcome:
    """running → queued, because the worker is stopping; the attempt does not count against the maximum.

    Raises LeaseLostError if the attempt no longer owns the job.
    """
    with transaction.atomic():
        if _is_to_be_cancelled(attempt):
            return cancel_attempt(attempt, **measured)
        _leave_running(attempt, state=State.QUEUED, attempt_count=F("attempt_count") - 1)
        _end_attempt(attempt, Outcome.HANDED_BACK, **measured)
        record_event(attempt.job_id, Event.Name.HANDED_BACK, attempt=attempt.number)
    return Outcome.HANDED_BACK


def postpone_job(attempt: Attempt, *, error: PostponedError, delay: timedelta, **measured: int | None) -> Outcome:
    """running → queued, due after `delay`. The attempt keeps the reason, and does not count against the maximum.

    Raises LeaseLostError if the attempt no longer owns the job.
    """
    with transaction.atomic():
        if _is_to_be_cancelled(attempt):
            return cancel_attempt(attempt, **measured)
        count = F("attempt_count") - 1
        _leave_running(attempt, state=State.QUEUED, attempt_count=count, scheduled_at=Now() + delay, due=False)
        _end_attempt(attempt, Outcome.HANDED_BACK, error_message=str(error), **measured)
        facts: dict[str, Any] = {"reason": str(error), "public": error.public, "seconds": round(delay.total_seconds())}
        record_event(attempt.job_id, Event.Name.POSTPONED, attempt=attempt.number, **facts)
    return Outcome.HANDED_BACK


def retry_job(job: Job) -> None:
    """failed → queued. Raises TransitionError if the job is no longer `failed`."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=State.FAILED).update(
            state=State.QUEUED, retry_at=None, released_at=None, updated_at=Now()
        )
        if changed != 1:
            raise TransitionError(f"job {job.pk} is not {State.FAILED}")
        record_event(job.pk, Event.Name.RETRIED)


def finishing(attempt: Attempt, *, result: dict[str, Any] | None, **measured: int) -> dict[str, Any]:
    """The parameters of the statements that finish a job."""
    return {
        "job_id": attempt.job_id,
        "fencing_token": attempt.fencing_token,
        "attempt_id": attempt.pk,
        "number": attempt.number,
        "result": Jsonb(result) if result is not None else None,
        **measured,
    }


def _end_in_failure(
    attempt: Attempt,
    error: BaseException,
    decision: Decision,
    event: Event.Name,
    *,
    expired_only: bool = False,
    artifacts: Iterable[Artifact] = (),
) -> FailureRecord:
    job = attempt.job
    secrets = secrets_of(job)
    failure = classify(error)
    public = replace(failure, detail=redact(failure.detail, secrets)[:LONGEST_MESSAGE])
    record = describe_failure(error, kind=job.kind, secrets=secrets)
    facts: dict[str, Any] = {"attempt": attempt.number, "error": record.error_class}
    facts["fingerprint"] = record.error_fingerprint
    end: tuple[Event.Name, dict[str, Any]] | None = None
    changes: dict[str, Any]
    if _is_to_be_cancelled(attempt):
        changes = {"state": State.CANCELLED, "finished_at": Now()}
        end = Event.Name.CANCELLED, {"attempt": attempt.number}
    elif isinstance(decision, Bury):
        changes = {"state": State.DEAD, "finished_at": Now()}
        end = Event.Name.DEAD_LETTERED, {"reason": decision.reason}
    else:
        changes = {"state": State.FAILED, "retry_at": Now() + decision.delay}
        facts["retryInSeconds"] = round(decision.delay.total_seconds(), 1)
    result = {**public.as_result(), **(error.details if isinstance(error, RejectedError) else {})}
    _leave_running(attempt, expired_only=expired_only, result=result, **record.columns(), **changes)
    if changes["state"] == State.DEAD:
        Artifact.objects.bulk_create(artifacts)
    record_event(attempt.job_id, event, **facts)
    if end is not None:
        record_event(attempt.job_id, end[0], **end[1])
    return record


def _is_to_be_cancelled(attempt: Attempt) -> bool:
    """Whether cancellation was requested. Locks the job, so that the answer stays true until the transition."""
    held = Job.objects.held_by(attempt.job_id, attempt.fencing_token).select_for_update(no_key=True)
    return bool(held.values_list("cancel_requested_at", flat=True).first())


def _leave_running(attempt: Attempt, *, expired_only: bool = False, **changes: Any) -> None:
    held = Job.objects.held_by(attempt.job_id, attempt.fencing_token)
    if expired_only:
        held = held.orphaned()
    if held.update(lease_expires_at=None, released_at=None, updated_at=Now(), **changes) != 1:
        raise lost(attempt)


def _end_attempt(attempt: Attempt, outcome: Outcome, **changes: Any) -> Outcome:
    Attempt.objects.filter(pk=attempt.pk, outcome="").update(outcome=outcome, finished_at=Now(), **changes)
    return outcome


def lost(attempt: Attempt) -> LeaseLostError:
    """The error of an attempt whose job another attempt may have."""
    return LeaseLostError(f"attempt {attempt.number} no longer owns job {attempt.job_id}")
