"""Members of the status of a job: queue, progress, failure and result."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobs.estimates.estimate import Estimate
from jobs.http.problems import problem_body
from jobs.models import Artifact, Event, Job
from jobs.states import State
from jobs.status import has_ended

#: Bounds of `Retry-After`. Seconds.
SHORTEST_WAIT, LONGEST_WAIT = 1, 60


def seconds_remaining(known: Estimate) -> int | None:
    """Whole seconds until the job ends, at least 1; None if that is not known."""
    return None if known.left is None else max(1, round(known.left))


def retry_after(job: Job, known: Estimate, now: datetime) -> int | None:
    """Seconds to wait before the next poll; None once the job has ended.

    A quarter of the remaining time or, if that is unknown, a tenth of the time since the order.
    """
    if has_ended(job):
        return None
    remaining = seconds_remaining(known)
    wait = remaining / 4 if remaining is not None else (now - job.created_at).total_seconds() / 10
    return int(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT))


def queue_members(known: Estimate) -> dict[str, Any]:
    """How long a job waits in its queue, and why. The position is None until the job is due."""
    members: dict[str, Any] = {"queuePosition": known.place}
    if known.wait:
        members["estimatedWaitSeconds"] = max(1, round(known.wait))
    if known.reason:
        members["waitingReason"] = known.reason.as_json()
    return members


def postponement_members(job: Job) -> dict[str, Any]:
    """When a postponed job is tried again, and what it waits for, in words for its owner. One query if it is postponed.

    A job is postponed if an attempt has begun, but something that it needs was not available.
    """
    if job.state != State.QUEUED or job.due or job.started_at is None:
        return {}
    postponed = job.events.filter(name=Event.Name.POSTPONED).order_by("-id").first()
    reason = postponed and postponed.details.get("public")
    return {"retryAt": job.scheduled_at} | ({"waitingFor": reason} if reason else {})


def error_of(job: Job) -> dict[str, Any]:
    """The problem object of a dead job: 422 if the order itself is the cause, else 500. It shows no internals."""
    known = (job.result or {}).get("error", {})
    status = 500 if known.get("retryable", True) else 422
    return problem_body(status, known.get("code", "internal-error"), known.get("detail", job.error_message))


def progress_members(job: Job, known: Estimate) -> dict[str, Any]:
    """The members of the status of a job that has not ended."""
    members: dict[str, Any] = {}
    remaining = seconds_remaining(known)
    if remaining is not None:
        members["estimatedTimeRemaining"] = f"{remaining} seconds"
        members["estimatedSecondsRemaining"] = remaining
    if job.state == State.FAILED and job.retry_at is not None:
        members["retryAt"] = job.retry_at
    return {
        **members,
        "progress": job.progress_percent,
        "rowsProcessed": job.progress_done,
        "rowsTotal": job.progress_total,
        "attempt": job.attempt_count,
        "createdAt": job.created_at,
        "startedAt": None if job.state == State.QUEUED else job.started_at,
        "updatedAt": job.updated_at,
    }


def failure_members(job: Job) -> dict[str, Any]:
    """The members of the status of a dead job."""
    known = (job.result or {}).get("error", {})
    return {
        "error": error_of(job),
        "retryable": bool(known.get("retryable", True)),
        "progress": job.progress_percent,
        "attempt": job.attempt_count,
        "createdAt": job.created_at,
        "completedAt": job.finished_at,
    }


def result_members(job: Job, artifact: Artifact | None) -> dict[str, Any]:
    """The members of the status of a succeeded job."""
    if artifact is None:
        return {"progress": 100, "createdAt": job.created_at, "completedAt": job.finished_at}
    return {
        "progress": 100,
        "rowCount": artifact.row_count,
        "sizeBytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "encoding": artifact.encoding,
        "createdAt": job.created_at,
        "completedAt": job.finished_at,
        "expiresAt": artifact.expires_at,
    }
