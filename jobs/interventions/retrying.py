"""Retry: an owner requeues their dead job. The queue's dials apply as for a new order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.dispatch.admission import room_for_one
from jobs.errors import TransitionError
from jobs.interventions.dead_letter import requeue_jobs
from jobs.models import Job
from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class NotRetryableError(Exception):
    """The job could not be ordered under today's rules."""


REASON = "Retried by its owner."


def retry_dead_job(job: Job, *, owner: AbstractBaseUser) -> None:
    """dead → queued, with the full number of attempts. Raises TransitionError if the job is not, or no longer, dead.

    Raises AdmissionError as `submit_job` does; the job then stays dead.
    """
    if job.state != State.DEAD:
        raise TransitionError(f"job {job.pk} is {job.state}")
    seen = {job.pk: job.fencing_token}
    with room_for_one(queue=job.queue, kind=job.kind, type=job.type, owner=owner):
        if not requeue_jobs([job.pk], actor=owner.get_username(), reason=REASON, seen=seen).changed:
            raise TransitionError(f"job {job.pk} is no longer {State.DEAD}")
