"""Repeats an earlier delivery, or sends a test message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils import timezone

from jobs.dispatch.submission import submit_job
from jobs.errors import TransitionError
from jobs.models import Job
from jobs.states import ACTIVE, State
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.messages import new_payload

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

TEST_EVENT: Final = "callback.test"


def replay_delivery(delivery: Job) -> Job:
    """Submit a new delivery of the same message, with the same message id. The old delivery stays as it is.

    Raises TransitionError if the old delivery has not ended, and what `submit_job` raises.
    """
    # No lock: submitting may wait for the queue's lock, whose holder may wait for this delivery.
    ended = Job.objects.select_related("owner").get(pk=delivery.pk)
    if State(ended.state) in ACTIVE:
        raise TransitionError(f"delivery {delivery.pk} is {ended.state}")
    return submit_job(kind=CALLBACK, owner=ended.owner, payload=ended.payload)


def deliver_test(owner: AbstractBaseUser, *, url: str) -> Job:
    """Submit a test message to `url`, which must be canonical. Raises what `submit_job` raises."""
    at = timezone.now().isoformat().replace("+00:00", "Z")
    return submit_job(kind=CALLBACK, owner=owner, payload=new_payload(url=url, event=TEST_EVENT, at=at, data={}))
