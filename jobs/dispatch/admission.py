"""Admission: whether the dials of a queue allow one more job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from jobs.dispatch.fairness import LOCK
from jobs.dispatch.refusals import count_refusal
from jobs.dispatch.statements import ADMIT
from jobs.errors import AdmissionError
from jobs.postgres.statements import fetch_all

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

#: The verdict of `jobs.dispatch.statements.SUBMIT` that requires another try with the queue's row locked: only then are
#: jobs counted, so that limits are exact however many clients submit at once.
TO_BE_LOCKED = "to-be-locked"


def refusal_of(row: dict[str, Any], *, queue: str, type: str, owner_id: int | None) -> AdmissionError | None:  # noqa: A002
    """The error for a verdict that refuses the job; None if it is admitted."""
    refused = partial(AdmissionError, queue=queue, type=type, owner_id=owner_id)
    match row["verdict"]:
        case "closed":
            return refused(scope="queue")
        case "type-closed":
            return refused(scope="type")
        case "queue-full":
            return refused(scope="queue", limit=row["queue_limit"])
        case "type-full":
            return refused(scope="type", limit=row["type_limit"])
        case "owner-full":
            return refused(scope="owner", limit=row["owner_limit"])
    return None


def refuse_early(*, queue: str, kind: str, type: str, owner: AbstractBaseUser) -> None:  # noqa: A002
    """Raise AdmissionError if the queue would refuse a job of `owner` now; a later submission may still be refused.

    For orders that cost much before they are submitted. Locks nothing.
    """
    for row in fetch_all(ADMIT, queue=queue, kind=kind, type=type, owner=owner.pk):
        if refusal := refusal_of(row, queue=queue, type=type, owner_id=owner.pk):
            count_refusal(refusal)
            raise refusal


@contextmanager
def room_for_one(*, queue: str, kind: str, type: str, owner: AbstractBaseUser) -> Iterator[None]:  # noqa: A002
    """A transaction in which the queue has room for one more job of `owner`.

    Raises AdmissionError, also if the queue no longer exists.
    """
    with transaction.atomic():
        fetch_all(LOCK, queue=queue)
        rows = fetch_all(ADMIT, queue=queue, kind=kind, type=type, owner=owner.pk)
        verdict = rows[0] if rows else {"verdict": "closed"}
        if refusal := refusal_of(verdict, queue=queue, type=type, owner_id=owner.pk):
            count_refusal(refusal)
            raise refusal
        yield
