"""The words for the state of a job in the API's status, in the operation resource, in callbacks and on pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Artifact, Job
from jobs.models.artifact import PUBLISHED_RESULT
from jobs.states import ACTIVE, State


@dataclass(frozen=True)
class Word:
    """The words for one state: in the status, and in the operation resource."""

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

#: All values of `status`.
STATUS_WORDS = ("Queued", "In Progress", "Canceling", "Complete", "Failed", "Canceled", "Expired")


def status_word(job: Job, artifact: Artifact | None) -> str:
    """One of `STATUS_WORDS`. `artifact` is the job's published result; without one, nothing can expire."""
    state = State(job.state)
    if state == State.SUCCEEDED and artifact is not None and not is_available(artifact):
        return "Expired"
    if job.cancel_requested_at and state in (State.RUNNING, State.FAILED):
        return "Canceling"
    return WORDS[state].status


def in_status(words: Iterable[str]) -> Q:
    """The jobs whose status is one of these words: `status_word` as a condition for queries."""
    results = Artifact.objects.filter(PUBLISHED_RESULT, job=OuterRef("pk"))
    expired = Exists(results.filter(Q(expires_at__lte=Now()) | Q(deleted_at__isnull=False)))
    active = Q(state__in=[State.RUNNING, State.FAILED])
    conditions = {
        "Queued": Q(state=State.QUEUED),
        "In Progress": active & Q(cancel_requested_at=None),
        "Canceling": active & Q(cancel_requested_at__isnull=False),
        "Complete": Q(state=State.SUCCEEDED) & ~expired,
        "Failed": Q(state=State.DEAD),
        "Canceled": Q(state=State.CANCELLED),
        "Expired": Q(state=State.SUCCEEDED) & expired,
    }
    return Q(*(conditions[word] for word in words), _connector=Q.OR)


def is_available(artifact: Artifact | None) -> bool:
    """Whether the file can be downloaded now."""
    if artifact is None or artifact.published_at is None or artifact.deleted_at is not None:
        return False
    return artifact.expires_at is None or artifact.expires_at > timezone.now()


def has_ended(job: Job) -> bool:
    """Whether the job stays as it is unless a person acts."""
    return State(job.state) not in ACTIVE
