"""Announces the end of a job: one delivery for each callback URL of the job.

This is a transactional outbox: `jobs_job.calls_back` says that the end must be announced. One transaction resets the
column and submits the deliveries, so each end is announced once, no matter who does it. The worker that ends a job
announces the end at once; a sweep finds the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction

from jobs.dispatch.submission import submit_job
from jobs.kinds import inspector_of
from jobs.models import Job
from jobs.models.callbacks import Callback
from jobs.payloads.redaction import redact
from jobs.postgres.commit import in_transaction
from jobs.states import State
from jobs.status import WORDS
from jobs.webhooks.messages import new_payload

logger = structlog.get_logger(__name__)

#: The kind of a delivery, and its queue.
CALLBACK: Final = "callback"
#: The second part of an event's type; the first is the kind of the job.
EVENTS: Final = {State.SUCCEEDED: "completed", State.DEAD: "failed", State.CANCELLED: "canceled"}
#: How many ends a worker or request announces itself; the sweep does the rest.
MOST_AT_ONCE: Final = 20


def announce_end(job_id: UUID) -> list[Job]:
    """Submit the deliveries of an ended job, unless that was done before or no URL asked for it.

    Nothing is submitted for a deactivated owner, whose data must not leave the service any more.

    Raises what `submit_job` raises; the end must then still be announced.
    """

    def announce() -> list[Job]:
        if Job.objects.to_announce().filter(pk=job_id).update(calls_back=False) != 1:
            return []
        job = Job.objects.with_result().select_related("owner").get(pk=job_id)
        if job.owner is not None and not job.owner.is_active:
            return []
        return [
            submit_job(kind=CALLBACK, owner=job.owner, payload=message_of(job, url=callback.url))
            for callback in job.callbacks.order_by("pk")
        ]

    return in_transaction(announce)


def add_callback(job_id: UUID, *, url: str) -> None:
    """Also announce the end of a job to `url`, which must be canonical; at once if the job has ended.

    Nothing changes if the job already has this URL. Raises what `submit_job` raises.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=job_id)
        if job.owner is None:  # the owner was deleted meanwhile: nobody to tell
            return
        _, is_new = Callback.objects.get_or_create(job=job, url=url)
        if not is_new:
            return
        if job.state not in EVENTS:
            Job.objects.filter(pk=job_id).update(calls_back=True)
        elif not job.calls_back:  # else the end will be announced to all URLs
            ended = Job.objects.with_result().select_related("owner").get(pk=job_id)
            submit_job(kind=CALLBACK, owner=job.owner, payload=message_of(ended, url=url))


def announce_ends(job_ids: Iterable[UUID]) -> None:
    """Announce the ends of these jobs, if they have ended. After an error, the sweep retries."""
    for job_id in list(job_ids)[:MOST_AT_ONCE]:
        try:
            announce_end(job_id)
        except Exception as error:  # the end itself is committed, and the row shows that it must still be announced
            logger.warning("announcement_failed", job_id=str(job_id), error=redact(str(error)))


def message_of(job: Job, *, url: str) -> dict[str, Any]:
    """The payload of a delivery. It fixes the message, so that all retries and replays send the same."""
    state = State(job.state)
    data = {"id": str(job.pk), "status": WORDS[state].status, **inspector_of(job.kind).announced(job)}
    at = job.finished_at.isoformat().replace("+00:00", "Z") if job.finished_at else None
    return new_payload(url=url, event=f"{job.kind}.{EVENTS[state]}", at=at, data=data, job=str(job.pk))
