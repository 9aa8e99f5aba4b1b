"""The status of a job as its owner sees it: words, progress, estimates (DESIGN section 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.api.problems import problem_body
from jobs.fairness import count_ahead
from jobs.flow import LONGEST_COUNTED, expected_wait
from jobs.models import Artifact, Job
from jobs.states import ACTIVE, State

#: Bounds of `Retry-After`. Seconds.
SHORTEST_WAIT, LONGEST_WAIT = 1, 60


@dataclass(frozen=True)
class Word:
    """The words of one state: in the status, and in the operation resource."""

    status: str
    operation: str


WORDS = {
    State.QUEUED: Word("Queued", "NotStarted"),
    State.RUNNING: Word("In Progress", "Running"),
    State.FAILED: Word("In Progress", "Running"),
    State.SUCCEEDED: Word("Complete", "Succeeded"),
    State.DEAD: Word("Failed", "Failed"),
    State.CANCELLED: Word("Canceled", "Canceled"),
}


#: All words of `status`.
STATUS_WORDS = ("Queued", "In Progress", "Canceling", "Complete", "Failed", "Canceled", "Expired")


def status_word(job: Job, artifact: Artifact | None) -> str:
    """One of the words of the contract. `artifact` is the job's published result."""
    state = State(job.state)
    if state == State.SUCCEEDED and not is_available(artifact):
        return "Expired"
    if job.cancel_requested_at and state in (State.RUNNING, State.FAILED):
        return "Canceling"
    return WORDS[state].status


def in_status(words: Iterable[str]) -> Q:
    """The jobs whose status is one of these words; what `status_word` says, for a query."""
    files = Artifact.objects.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), job=OuterRef("pk"), deleted_at=None)
    available = Exists(files.filter(role=Artifact.Role.RESULT, published_at__isnull=False))
    active = Q(state__in=[State.RUNNING, State.FAILED])
    conditions = {
        "Queued": Q(state=State.QUEUED),
        "In Progress": active & Q(cancel_requested_at=None),
        "Canceling": active & Q(cancel_requested_at__isnull=False),
        "Complete": Q(state=State.SUCCEEDED) & available,
        "Failed": Q(state=State.DEAD),
        "Canceled": Q(state=State.CANCELLED),
        "Expired": Q(state=State.SUCCEEDED) & ~available,
    }
    return Q(*(conditions[word] for word in words), _connector=Q.OR)


def is_available(artifact: Artifact | None) -> bool:
    """Whether the file can be downloaded now."""
    if artifact is None or artifact.published_at is None or artifact.deleted_at is not None:
        return False
    return artifact.expires_at is None or artifact.expires_at > timezone.now()


def has_ended(job: Job) -> bool:
    """Whether nothing will change any more without a person's doing."""
    return State(job.state) not in ACTIVE


def seconds_remaining(job: Job, now: datetime) -> int | None:
    """Rows left over the rate of this attempt so far; None when there is nothing to compute it from."""
    if job.state != State.RUNNING or not job.progress_total or not job.progress_done or job.started_at is None:
        return None
    left = job.progress_total - job.progress_done
    elapsed = (job.updated_at - job.started_at).total_seconds()
    if left <= 0 or elapsed <= 0:
        return None
    since_report = (now - job.updated_at).total_seconds()
    return max(1, math.ceil(left * elapsed / job.progress_done - since_report))


def retry_after(job: Job, now: datetime) -> int | None:
    """How long to wait before asking again, in seconds; None once the job has ended.

    A quarter of the time that remains, or, unknown, a tenth of the time since the order.
    """
    if has_ended(job):
        return None
    remaining = seconds_remaining(job, now)
    wait = remaining / 4 if remaining is not None else (now - job.created_at).total_seconds() / 10
    return int(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT))


def queue_position(job: Job) -> int | None:
    """1 for the job whose turn is next; None when it is not waiting, or far back."""
    if job.state != State.QUEUED:
        return None
    if job.released_at is not None:
        return 1
    ahead = count_ahead(job, at_most=LONGEST_COUNTED)
    return ahead + 1 if ahead < LONGEST_COUNTED else None


def queue_members(job: Job) -> dict[str, Any]:
    """The members of the status that tell how long it waits: none once it runs. Two queries while it waits."""
    place = queue_position(job)
    wait = expected_wait(job, place) if place is not None and job.released_at is None else None
    return {"queuePosition": place} | ({} if wait is None else {"estimatedWaitSeconds": wait})


def error_of(job: Job) -> dict[str, Any]:
    """The problem object of a dead job: 422 where the order itself is the reason, else 500. No internals."""
    known = (job.result or {}).get("error", {})
    status = 500 if known.get("retryable", True) else 422
    return problem_body(status, known.get("code", "internal-error"), known.get("detail", job.error_message))


def progress_members(job: Job, now: datetime) -> dict[str, Any]:
    """The members of the status of a job that has not ended."""
    members: dict[str, Any] = {}
    remaining = seconds_remaining(job, now)
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
        "startedAt": job.started_at,
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
