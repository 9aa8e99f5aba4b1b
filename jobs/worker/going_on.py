"""A worker goes on: one transaction ends its job and claims the job whose turn is next, without a message.

So a small job costs one commit. If the answer to that commit is lost, the next job runs without anybody who knows it.
Therefore a repeated transition first finds out what the lost one did, and one that is given up hands the job back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, DataError, InterfaceError, connections, transaction
from django.db.models import F
from psycopg.errors import DivisionByZero

from jobs.classification import sqlstate
from jobs.context import JobContext
from jobs.dispatch.fairness import HIGHEST_PRIORITY, LOCK
from jobs.dispatch.positions import REMEMBERED
from jobs.errors import LeaseLostError
from jobs.models import Attempt
from jobs.postgres.reconnecting import retry_while_unreachable
from jobs.postgres.statements import execute, pipeline, planned_again
from jobs.states import Outcome, State
from jobs.worker.statements import CLAIM_NEXT, FINISH_OR_FAIL
from jobs.worker.transitions import attempt_of, finishing, hand_back_job, lost

logger = structlog.get_logger(__name__)

#: A transition that was interrupted waits so long for PostgreSQL, to hand back what it may have claimed. Seconds.
HAND_BACK_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Next:
    """What a worker goes on with."""

    #: The attempt of the next job. None if no job has its turn.
    attempt: Attempt | None
    #: Whether further jobs of the queue may have their turn; `release_jobs` finds them.
    more: bool
    #: When the claim was sent, by this process's monotonic clock. The lease began then or later.
    asked_at: float = 0.0
    #: Whether the claim has seen these jobs: a job waits and a place is free.
    has_turn: bool = False
    #: Where `release_jobs` begins to look for them.
    since: UUID | None = REMEMBERED


#: Others may have their turn, from the remembered job on. That is what follows a job that has ended well.
OTHERS: Final = Next(None, more=True)
#: The same if an older job may have come to wait again.
ANY: Final = Next(None, more=True, since=None)


def finish_and_claim_next(context: JobContext, *, result: dict[str, Any] | None, **measured: int) -> Next:
    """running → succeeded, for a job without artifacts, and queued → running for the next one, while its lease lasts.

    Raises LeaseLostError if the attempt no longer owns the job; then nothing is claimed.
    """
    attempt = context.attempt
    trials: list[float] = []

    def act() -> Next:
        trials.append(time.monotonic())
        try:
            return planned_again(partial(_finish_and_claim, attempt, context.lease_seconds, result, measured))
        except LeaseLostError:
            if len(trials) == 1 or not Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.SUCCEEDED).exists():
                raise
            return Next(_running_beside(attempt), more=True, asked_at=trials[0], has_turn=True)

    try:
        following = retry_while_unreachable(act, seconds=context.lease_seconds)
    except (DatabaseError, InterfaceError, LeaseLostError):
        raise
    except BaseException:  # Celery's time limit, or the end of the process: a signal has interrupted the trip
        connections.close_all()
        _hand_back_next(attempt)
        raise
    if following.attempt and time.monotonic() > following.asked_at + context.lease_seconds:
        hand_back(following.attempt)
        return ANY
    return following


def hand_back(attempt: Attempt) -> None:
    """Hand back a job that was claimed and not begun. If PostgreSQL cannot be reached, its lease ends."""
    try:
        retry_while_unreachable(partial(hand_back_job, attempt), seconds=HAND_BACK_SECONDS)
    except (DatabaseError, InterfaceError, LeaseLostError) as error:
        logger.warning("next_job_not_handed_back", job_id=str(attempt.job_id), error=repr(error))


def _finish_and_claim(
    attempt: Attempt, lease_seconds: float, result: dict[str, Any] | None, measured: dict[str, int]
) -> Next:
    queue = attempt.job.queue
    asked_at = time.monotonic()
    try:
        with pipeline():
            execute(LOCK, queue=queue)
            execute(FINISH_OR_FAIL, **finishing(attempt, result=result, bytes=0, **measured))
            taken = execute(
                CLAIM_NEXT,
                queue=queue,
                at_most=2,
                below=HIGHEST_PRIORITY,
                since=REMEMBERED,
                lease_seconds=lease_seconds,
                **_task_of(attempt),
            )
    except DataError as error:
        if sqlstate(error) == DivisionByZero.sqlstate:
            raise lost(attempt) from None
        raise
    [row] = taken.fetchall()
    following = attempt_of(row, **_task_of(attempt)) if row["id"] is not None else None
    return Next(following, more=row["more"], asked_at=asked_at, has_turn=True)


def _task_of(attempt: Attempt) -> dict[str, Any]:
    return {
        "worker": attempt.worker,
        "process_id": attempt.process_id,
        "celery_task_id": attempt.celery_task_id,
    }


def _running_beside(attempt: Attempt) -> Attempt | None:
    """The attempt that this task has claimed besides this one. A task runs one attempt at a time."""
    running = Attempt.objects.filter(outcome="", job__state=State.RUNNING, fencing_token=F("job__fencing_token"))
    return running.filter(**_task_of(attempt)).exclude(pk=attempt.pk).select_related("job__owner").first()


def _hand_back_next(attempt: Attempt) -> None:
    """Hand back the job that an interrupted transition may have claimed, once it is decided whether it has.

    PostgreSQL may still be executing it. It holds the queue's row, or waits for it before this one.
    """

    def find() -> Attempt | None:
        with transaction.atomic():
            execute(LOCK, queue=attempt.job.queue)
            return _running_beside(attempt)

    try:
        following = retry_while_unreachable(find, seconds=HAND_BACK_SECONDS)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("next_job_not_looked_for", error=repr(error))
        return
    if following is not None:
        hand_back(following)
