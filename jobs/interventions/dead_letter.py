"""Dead letters: jobs that are not retried automatically. A person requeues or discards them, and gives a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models.functions import Now

from jobs.announcing import announced_again, announced_as_canceled
from jobs.events import record_events
from jobs.interventions.batches import Intervention, intervene
from jobs.models import Artifact, AuditEntry, Event, Job
from jobs.states import UNFINISHED, State


def requeue_jobs(
    job_ids: Iterable[UUID], *, actor: str, reason: str, seen: Mapping[UUID, int] | None = None
) -> Intervention:
    """dead or failed → queued, with the full number of attempts. The queue's dials decide when each is handed out.

    `actor` is the person's name; `seen` holds the fencing tokens that they saw. Jobs in any other state are refused,
    so a second click changes nothing. Raises ValueError without a reason.
    """
    require_reason(reason)

    def change(jobs: list[Job]) -> None:
        pks = [job.pk for job in jobs]
        Job.objects.filter(pk__in=pks, state__in=UNFINISHED).update(
            state=State.QUEUED,
            attempt_count=0,
            retry_at=None,
            released_at=None,
            cancel_requested_at=None,
            finished_at=None,
            result=None,
            progress_done=0,
            progress_percent=0,
            progress_details=None,
            updated_at=Now(),
            **announced_again(),
        )
        # The files of an attempt that was refused go with its result; `remove_orphan_files` deletes them. Steps stay.
        Artifact.objects.filter(job__in=pks, attempt__isnull=False).exclude(role=Artifact.Role.STEP).delete()
        record_events(pks, Event.Name.REQUEUED, actor=actor, reason=reason)

    return intervene(
        job_ids,
        action=AuditEntry.Action.REQUEUE,
        actor=actor,
        reason=reason,
        allowed=UNFINISHED,
        change=change,
        seen=seen,
    )


def discard_jobs(
    job_ids: Iterable[UUID], *, actor: str, reason: str, seen: Mapping[UUID, int] | None = None
) -> Intervention:
    """dead or failed → cancelled: not worth another attempt. Raises ValueError without a reason."""
    require_reason(reason)

    def change(jobs: list[Job]) -> None:
        pks = [job.pk for job in jobs]
        Job.objects.filter(pk__in=pks, state__in=UNFINISHED).update(
            state=State.CANCELLED, retry_at=None, finished_at=Now(), updated_at=Now(), **announced_as_canceled()
        )
        record_events(pks, Event.Name.CANCELLED, actor=actor, reason=reason, discarded=True)

    return intervene(
        job_ids,
        action=AuditEntry.Action.DISCARD,
        actor=actor,
        reason=reason,
        allowed=UNFINISHED,
        change=change,
        seen=seen,
    )


def require_reason(reason: str) -> None:
    """Raises ValueError if `reason` is blank."""
    if not reason.strip():
        raise ValueError("enter a reason: it is kept in the timeline of each job")
