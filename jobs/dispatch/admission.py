"""Admit: what a queue's dials say of one more job, and who is told what when they refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from jobs.dispatch.fairness import LOCK
from jobs.dispatch.refusals import count_refusal, write_refusals
from jobs.dispatch.statements import ADMIT
from jobs.dispatch.throughput import retry_after_refusal
from jobs.errors import AdmissionError, OwnerQueueFullError, QueueFullError
from jobs.postgres.statements import fetch_all

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

#: The verdict of `jobs.dispatch.statements.ADMIT` that asks for another look: waiting jobs are counted with the queue's
#: row locked, so that limits are exact however many submit at once.
TO_BE_LOCKED = "to-be-locked"


def refusal_of(row: dict[str, Any], *, queue: str, type: str) -> AdmissionError | None:  # noqa: A002
    """The error of a verdict that refuses the job; None where it is admitted."""
    match row["verdict"]:
        case "closed":
            return QueueFullError(f"The queue {queue} is closed: new orders are not accepted at the moment.")
        case "type-closed":
            return QueueFullError(f"New orders of {type} are not accepted at the moment.", of_type=True)
        case "queue-full":
            return QueueFullError(f"The queue {queue} is full.", limit=row["queue_limit"])
        case "type-full":
            limit = row["type_limit"]
            return QueueFullError(
                f"{limit} jobs of type {type} are already queued, which is the maximum.", limit=limit, of_type=True
            )
        case "owner-full":
            limit = row["owner_limit"]
            message = f"You have {limit} jobs waiting in the queue {queue}, which is the maximum."
            return OwnerQueueFullError(message, limit=limit)
    return None


@contextmanager
def room_for_one(*, queue: str, kind: str, type: str, owner: AbstractBaseUser) -> Iterator[None]:  # noqa: A002
    """A transaction in which the queue has room for one more of `owner`. Raises QueueFullError, OwnerQueueFullError."""
    with transaction.atomic():
        fetch_all(LOCK, queue=queue)
        rows = fetch_all(ADMIT, queue=queue, kind=kind, type=type, owner=owner.pk, locked=True)
        gone = QueueFullError(f"There is no queue {queue} any more.")
        if refusal := refusal_of(rows[0], queue=queue, type=type) if rows else gone:
            raise told(refusal, queue=queue, owner=owner)
        yield


def told(refusal: AdmissionError, *, queue: str, owner: AbstractBaseUser | None) -> AdmissionError:
    """The refusal, counted, and able to say after which time to come back."""
    count_refusal(refusal, queue=queue)
    refusal.when = partial(_when_to_return, refusal, queue=queue, owner=owner)
    return refusal


def _when_to_return(refusal: AdmissionError, *, queue: str, owner: AbstractBaseUser | None) -> int:
    """Asked by whoever answers, outside of any transaction: that is the time to write down what was refused, too."""
    write_refusals()
    return retry_after_refusal(refusal, queue=queue, owner=owner)
