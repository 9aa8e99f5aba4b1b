"""Edit the payload of a dead or failed job and requeue it, in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import TransitionError
from jobs.events import record_event
from jobs.interventions.audit import audit
from jobs.interventions.dead_letter import require_reason
from jobs.interventions.requeue_checks import requeue_checked_jobs
from jobs.kinds import inspector_of
from jobs.models import AuditEntry, Event, Job, PayloadRevision
from jobs.payloads.masked import index_payload, masked_payload
from jobs.states import UNFINISHED


def edit_and_requeue_job(
    job_id: UUID, *, payload: Any, actor: str, reason: str, fencing_token: int | None = None
) -> None:
    """dead or failed → queued, with another payload; the previous one is kept as a revision.

    `fencing_token` is the one that the person saw. Raises InvalidPayloadError if the kind does not accept the payload,
    TransitionError if the job is not dead or failed, has run since or is refused, ValueError without a reason.
    """
    require_reason(reason)
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=job_id)
        if job.state not in UNFINISHED:
            raise TransitionError(f"it is {job.state}")
        if fencing_token not in (None, job.fencing_token):
            raise TransitionError("it has run again in the meantime")
        canonical = inspector_of(job.kind).validate(payload, job.owner)
        before = masked_payload(job)
        PayloadRevision.objects.create(job=job, payload=job.payload, replaced_by=actor)
        Job.objects.filter(pk=job.pk).update(payload=canonical, updated_at=Now())
        job.payload = canonical
        index_payload(job)
        record_event(job.pk, Event.Name.EDITED, actor=actor, reason=reason)
        entries = [("job", job.pk, {"payload": before}, {"payload": masked_payload(job)})]
        audit(AuditEntry.Action.EDIT, entries, actor=actor, reason=reason)
        refused = requeue_checked_jobs([job.pk], actor=actor, reason=reason).refused
        if refused:
            raise TransitionError(refused[job.pk])
