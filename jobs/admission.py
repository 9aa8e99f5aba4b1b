"""Admit: what a queue's dials say of one more job, and who is told what when they refuse it."""

from __future__ import annotations

from typing import Any

from jobs.errors import AdmissionError, OwnerQueueFullError, QueueFullError

#: The verdict of `jobs.statements.SUBMIT` that asks for another look: waiting jobs are counted with the queue's row
#: locked, so that limits are exact however many submit at once.
TO_BE_LOCKED = "to-be-locked"


def refusal_of(row: dict[str, Any], *, queue: str, type: str) -> AdmissionError | None:  # noqa: A002
    """The error of a verdict that refuses the job; None where it is admitted."""
    match row["verdict"]:
        case "closed":
            return QueueFullError(f"The queue {queue} accepts no jobs at the moment.")
        case "type-closed":
            return QueueFullError(f"No more of {type} is accepted at the moment.", of_type=True)
        case "queue-full":
            return QueueFullError(f"The queue {queue} is full.", limit=row["queue_limit"])
        case "type-full":
            limit = row["type_limit"]
            return QueueFullError(f"{limit} of {type} wait, which is the limit.", limit=limit, of_type=True)
        case "owner-full":
            limit = row["owner_limit"]
            message = f"You have {limit} jobs waiting in the queue {queue}, which is the limit."
            return OwnerQueueFullError(message, limit=limit)
    return None
