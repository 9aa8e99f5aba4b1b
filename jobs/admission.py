"""Admit: whether a queue takes one more job, as its dials say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from jobs.errors import OwnerQueueFullError, QueueFullError
from jobs.models import Job, Queue

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def admit(*, queue: str, owner: AbstractBaseUser | None) -> None:
    """Return if `queue` takes one more job of `owner`; call it in the transaction that inserts the job.

    The queue's row is locked until that transaction ends, so that its limits are exact however many submit at once.

    Raises QueueFullError when the queue is closed or full, OwnerQueueFullError when the owner has too
    many jobs waiting, ImproperlyConfigured when there is no such queue.
    """
    dials = Queue.objects.select_for_update().filter(name=queue).first()
    if dials is None:
        raise ImproperlyConfigured(f"there is no queue named {queue!r}; add it in the admin")
    if not dials.accepting:
        raise QueueFullError(f"The queue {queue} accepts no jobs at the moment.")
    waiting = Job.objects.queued(queue)
    if dials.max_queued is not None and waiting[: dials.max_queued].count() >= dials.max_queued:
        raise QueueFullError(f"The queue {queue} is full.", limit=dials.max_queued)
    if owner is None or dials.max_queued_per_owner is None:
        return
    mine = waiting.filter(owner=owner.pk)[: dials.max_queued_per_owner]
    if mine.count() >= dials.max_queued_per_owner:
        raise OwnerQueueFullError(
            f"You have {dials.max_queued_per_owner} jobs waiting in the queue {queue}, which is the limit.",
            limit=dials.max_queued_per_owner,
        )
