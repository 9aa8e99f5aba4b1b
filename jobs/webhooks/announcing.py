"""Announce the end of a job: one delivery for each URL that asked for it.

The rows are the truth (a transactional outbox): `jobs_job.calls_back` says that somebody is to be told of the job's
end. One UPDATE takes that back and the deliveries are submitted, in one transaction; so each end is announced once,
whoever does it. The worker that ends a job does it at once; what it leaves is found by the sweep.
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
#: The second half of an event's type. The first is the job's kind.
EVENTS: Final = {State.SUCCEEDED: "completed", State.DEAD: "failed", State.CANCELLED: "canceled"}
#: Ends that are announced by the one who made them; the sweep has the rest.
MOST_AT_ONCE: Final = 20


def announce_end(job_id: UUID) -> list[Job]:
    """Submit the deliveries of a job that has ended; none where that was done, or nobody asked for it.

    None either where the owner's account was deactivated: nothing of theirs leaves the service any more.

    Raises what `submit_job` raises; then it is still to be announced.
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


def tell_also(job_id: UUID, *, url: str) -> None:
    """Tell the end of a job to one more URL, a canonical one; at once, where it has ended already.

    A URL that asked before is told once. Raises what `submit_job` raises.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=job_id)
        if job.owner is None:  # purged meanwhile: there is nobody to tell
            return
        _, is_new = Callback.objects.get_or_create(job=job, url=url)
        if not is_new:
            return
        if job.state not in EVENTS:
            Job.objects.filter(pk=job_id).update(calls_back=True)
        elif not job.calls_back:  # else all are still to be told
            ended = Job.objects.with_result().select_related("owner").get(pk=job_id)
            submit_job(kind=CALLBACK, owner=job.owner, payload=message_of(ended, url=url))


def announce_at_once(job_ids: Iterable[UUID]) -> None:
    """Announce those of these jobs that have ended. Whatever goes wrong is left to the sweep."""
    for job_id in list(job_ids)[:MOST_AT_ONCE]:
        try:
            announce_end(job_id)
        except Exception as error:  # the job has ended well, and the row says what is left to do
            logger.warning("announcement_failed", job_id=str(job_id), error=redact(str(error)))


def message_of(job: Job, *, url: str) -> dict[str, Any]:
    """The payload of a delivery. What is sent is fixed here, so each retry and each replay says the same."""
    state = State(job.state)
    data = {"id": str(job.pk), "status": WORDS[state].status, **inspector_of(job.kind).announced(job)}
    at = job.finished_at.isoformat().replace("+00:00", "Z") if job.finished_at else None
    return new_payload(url=url, event=f"{job.kind}.{EVENTS[state]}", at=at, data=data, job=str(job.pk))
