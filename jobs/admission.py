"""Admit: whether a queue takes one more job, as its dials say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from jobs.errors import OwnerQueueFullError, QueueFullError
from jobs.models import Job, Queue, TypeDials
from jobs.querysets import JobQuerySet
from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def admit(*, queue: str, kind: str, type: str, owner: AbstractBaseUser | None) -> None:  # noqa: A002
    """Return if `queue` takes one more job of that type and `owner`; call it in the transaction that inserts the job.

    The queue's row is locked until that transaction ends, and that of the type's dials against changes, so that limits
    are exact however many submit at once.

    Raises QueueFullError when the queue is closed or full, or that type is, OwnerQueueFullError when the owner has too
    many jobs waiting, ImproperlyConfigured when there is no such queue.
    """
    dials = Queue.objects.select_for_update().filter(name=queue).first()
    if dials is None:
        raise ImproperlyConfigured(f"there is no queue named {queue!r}; add it in the admin")
    if not dials.accepting:
        raise QueueFullError(f"The queue {queue} accepts no jobs at the moment.")
    own = TypeDials.objects.select_for_update().filter(kind=kind, type=type).first()
    if own and not own.accepting:
        raise QueueFullError(f"No more of {type} is accepted at the moment.", of_type=True)
    waiting = Job.objects.queued(queue)
    if _reached(dials.max_queued, waiting):
        raise QueueFullError(f"The queue {queue} is full.", limit=dials.max_queued)
    if own and own.max_queued is not None and _has_waiting(queue, kind, type, at_least=own.max_queued):
        message = f"{own.max_queued} of {type} wait, which is the limit."
        raise QueueFullError(message, limit=own.max_queued, of_type=True)
    if owner and _reached(dials.max_queued_per_owner, waiting.filter(owner=owner.pk)):
        raise OwnerQueueFullError(
            f"You have {dials.max_queued_per_owner} jobs waiting in the queue {queue}, which is the limit.",
            limit=dials.max_queued_per_owner,
        )


def _has_waiting(queue: str, kind: str, type: str, *, at_least: int) -> bool:  # noqa: A002
    """Counted apart, as each has an index: what waits, what is handed out, and what is not due yet."""
    of_type = Job.objects.filter(kind=kind, type=type)
    waiting = of_type.waiting(queue)[:at_least].count()
    if waiting < at_least:
        waiting += of_type.filter(queue=queue, state=State.QUEUED, released_at__isnull=False)[:at_least].count()
        waiting += of_type.filter(queue=queue, state=State.QUEUED, due=False)[:at_least].count()
    return waiting >= at_least


def _reached(limit: int | None, jobs: JobQuerySet) -> bool:
    return limit is not None and jobs[:limit].count() >= limit
