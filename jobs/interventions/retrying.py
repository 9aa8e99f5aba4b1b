"""Retry: what an owner may do about a dead job. The queue's dials hold for it as for a new one."""

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
    """By today's rules the job could not be ordered."""


REASON = "Its owner tries it again."


def retry_dead_job(job: Job, *, owner: AbstractBaseUser) -> None:
    """dead → queued, with all attempts anew, once. Raises TransitionError where it is not dead (any more).

    Raises AdmissionError as `submit_job` does; it stays dead then.
    """
    if job.state != State.DEAD:
        raise TransitionError(f"job {job.pk} is {job.state}")
    seen = {job.pk: job.fencing_token}
    with room_for_one(queue=job.queue, kind=job.kind, type=job.type, owner=owner):
        if not requeue_jobs([job.pk], actor=owner.get_username(), reason=REASON, seen=seen).changed:
            raise TransitionError(f"job {job.pk} is not {State.DEAD} any more")
