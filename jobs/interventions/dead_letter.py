"""Dead letters: jobs that no automatic retry will touch. A person requeues or discards them, and says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models.functions import Now

from jobs.events import record_events
from jobs.interventions.batches import Intervention, intervene
from jobs.models import AuditEntry, Event, Job
from jobs.models.conditions import CALLS_BACK
from jobs.states import UNFINISHED, State


def requeue_jobs(
    job_ids: Iterable[UUID], *, actor: str, reason: str, seen: Mapping[UUID, int] | None = None
) -> Intervention:
    """dead or failed → queued, with all attempts anew; the queue's dials decide when each is handed out.

    `actor` is the name of the person, `seen` the fencing tokens as they saw them. Raises ValueError without a
    reason. Jobs in any other state are refused: a second click finds them queued.
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
            calls_back=CALLS_BACK,
            updated_at=Now(),
        )
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
    """dead or failed → cancelled: it is not worth another attempt. Raises ValueError without a reason."""
    require_reason(reason)

    def change(jobs: list[Job]) -> None:
        pks = [job.pk for job in jobs]
        Job.objects.filter(pk__in=pks, state__in=UNFINISHED).update(
            state=State.CANCELLED, retry_at=None, finished_at=Now(), calls_back=CALLS_BACK, updated_at=Now()
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
    """Raises ValueError when `reason` says nothing."""
    if not reason.strip():
        raise ValueError("say why: the reason is kept in the timeline of each job")
