"""The deliveries of the end of a job: one for each callback URL of the job. `jobs.announcing` asks for them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction

from jobs.dispatch.submission import submit_job
from jobs.kinds import inspector_of
from jobs.models import Job
from jobs.models.callbacks import Callback
from jobs.states import State
from jobs.status import WORDS
from jobs.webhooks.messages import new_payload

#: The kind of a delivery, and its queue.
CALLBACK: Final = "callback"
#: The second part of an event's type; the first is the kind of the job.
EVENTS: Final = {State.SUCCEEDED: "completed", State.DEAD: "failed", State.CANCELLED: "canceled"}


def submit_deliveries(job: Job) -> list[Job]:
    """Submit a delivery of the end of a job to each of its URLs. Raises what `submit_job` raises."""
    return [
        submit_job(kind=CALLBACK, owner=job.owner, payload=message_of(job, url=callback.url))
        for callback in job.callbacks.order_by("pk")
    ]


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


def message_of(job: Job, *, url: str) -> dict[str, Any]:
    """The payload of a delivery. It fixes the message, so that all retries and replays send the same."""
    state = State(job.state)
    data = {"id": str(job.pk), "status": WORDS[state].status, **inspector_of(job.kind).announced(job)}
    at = job.finished_at.isoformat().replace("+00:00", "Z") if job.finished_at else None
    return new_payload(url=url, event=f"{job.kind}.{EVENTS[state]}", at=at, data=data, job=str(job.pk))
