"""Cancel jobs: a waiting job at once. A running job is asked to stop; its heartbeat notices the request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db.models.functions import Now

from jobs.announcing import announced_as_canceled
from jobs.events import record_events
from jobs.interventions.batches import Intervention, intervene
from jobs.models import AuditEntry, Event, Job
from jobs.states import ACTIVE, CANCELLABLE, State


def cancel_jobs(
    job_ids: Iterable[UUID],
    *,
    actor: str,
    reason: str = "",
    seen: Mapping[UUID, int] | None = None,
    allowed: Collection[State] = CANCELLABLE,
) -> Intervention:
    """queued, failed, dead → cancelled; a running job gets `cancel_requested_at`, and ends within two seconds.

    A second request is refused and changes nothing. Jobs in states that are not `allowed` are refused, too.
    """

    def change(jobs: list[Job]) -> None:
        running = [job.pk for job in jobs if job.state == State.RUNNING]
        waiting = [job.pk for job in jobs if job.state != State.RUNNING]
        Job.objects.filter(pk__in=running, state=State.RUNNING).update(cancel_requested_at=Now(), updated_at=Now())
        record_events(running, Event.Name.CANCEL_REQUESTED, actor=actor, reason=reason)
        Job.objects.filter(pk__in=waiting).exclude(state=State.RUNNING).update(
            state=State.CANCELLED,
            retry_at=None,
            released_at=None,
            finished_at=Now(),
            updated_at=Now(),
            **announced_as_canceled(),
        )
        record_events(waiting, Event.Name.CANCELLED, actor=actor, reason=reason)

    return intervene(
        job_ids,
        action=AuditEntry.Action.CANCEL,
        actor=actor,
        reason=reason,
        allowed=allowed,
        change=change,
        seen=seen,
        objection=_cancel_refusal,
    )


def _cancel_refusal(job: Job) -> str:
    return "it has already been asked to stop" if job.state == State.RUNNING and job.cancel_requested_at else ""


def cancel_active_job(job_id: UUID, *, actor: str) -> bool:
    """Cancel a job for its owner. To the owner, a dead job has ended, so it is left alone and its error stays readable.

    Returns True if the job is canceled or about to be, False if it has ended in another way in the meantime.
    """
    if cancel_jobs([job_id], actor=actor, allowed=ACTIVE).changed:
        return True
    return not Job.objects.filter(pk=job_id, state__in=[State.SUCCEEDED, State.DEAD]).exists()
