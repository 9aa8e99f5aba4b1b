"""Repeat an earlier delivery, or send a test message to a receiver."""

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
    """Submit a new delivery of the same message, with the same id. The old one stays as it is.

    Raises TransitionError while the old one has not ended, and what `submit_job` raises.
    """
    # Not locked: submitting may wait for the queue, whose holder may wait for this very delivery.
    ended = Job.objects.select_related("owner").get(pk=delivery.pk)
    if State(ended.state) in ACTIVE:
        raise TransitionError(f"delivery {delivery.pk} is {ended.state}")
    return submit_job(kind=CALLBACK, owner=ended.owner, payload=ended.payload)


def deliver_test(owner: AbstractBaseUser, *, url: str) -> Job:
    """Submit a test message. `url` is a canonical one. Raises what `submit_job` raises."""
    at = timezone.now().isoformat().replace("+00:00", "Z")
    payload = new_payload(url=url, event=TEST_EVENT, at=at, data={})
    return submit_job(kind=CALLBACK, owner=owner, payload=payload)
