"""A worker goes on: one transaction ends its job and claims the job whose turn is next, without a message.

So a small job costs one commit. If the answer to that commit is lost, the next job runs without anybody who knows it.
Therefore a repeated transition first finds out what the lost one did, and one that is given up hands the job back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, DataError, InterfaceError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from psycopg.errors import DivisionByZero

from jobs.classification import sqlstate
from jobs.context import JobContext
from jobs.dispatch.fairness import HIGHEST_PRIORITY, LOCK
from jobs.dispatch.positions import REMEMBERED
from jobs.errors import LeaseLostError
from jobs.models import Attempt
from jobs.postgres.reconnecting import retry_while_unreachable
from jobs.postgres.statements import execute, fetch_all, pipeline, planned_again
from jobs.states import Outcome, State
from jobs.worker.reserved import MOST_RESERVED, Reserved
from jobs.worker.statements import CLAIM, CLAIM_NEXT, FINISH, FINISH_OR_FAIL
from jobs.worker.transitions import attempt_of, finishing, hand_back_job, lost

logger = structlog.get_logger(__name__)

#: A transition that was interrupted waits so long for PostgreSQL, to hand back what it may have claimed. Seconds.
HAND_BACK_SECONDS: Final = 5.0

#: How long a worker of small jobs waits before it looks again, once it has seen that no more wait. Seconds.
PAUSE_SECONDS: Final = 0.02


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
#: Nobody has looked: this worker does so after PAUSE_SECONDS.
SOON: Final = Next(None, more=False)


def finish_and_claim_next(
    context: JobContext, *, reserved: Reserved, pauses: bool = False, result: dict[str, Any] | None, **measured: int
) -> Next:
    """running → succeeded, for a job without artifacts, and queued → running for the next one, while its lease lasts.

    The next one is the first that is `reserved`. If none is, it is the one whose turn is next, and those that follow
    are reserved if this one was short. If this worker `pauses` before it looks again, and has just seen that no more
    jobs wait, none is claimed (`SOON`).

    Raises LeaseLostError if the attempt no longer owns the job; then nothing is claimed.
    """
    attempt = context.attempt
    trials: list[float] = []
    ahead = Reserved.how_many(context.seconds())
    ended = finishing(attempt, result=result, bytes=0, **measured)

    def finish() -> Next:
        if (job_id := reserved.first()) is not None:
            following = _finish_and_claim(attempt, ended, job_id, context.lease_seconds)
            reserved.remove(job_id)
            return following
        if pauses and reserved.were_all:
            if not fetch_all(FINISH, **ended):
                raise lost(attempt)
            return SOON
        return _finish_and_claim_next(attempt, ended, reserved, ahead, context.lease_seconds)

    def act() -> Next:
        trials.append(time.monotonic())
        try:
            return planned_again(finish)
        except LeaseLostError:
            if len(trials) == 1 or not Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.SUCCEEDED).exists():
                raise
            return Next(_running_beside(attempt), more=True, asked_at=trials[0], has_turn=True)

    with _handing_back(attempt):
        following = retry_while_unreachable(act, seconds=context.lease_seconds)
    return _unless_late(following, context.lease_seconds)


def claim_next_soon(ended: JobContext, *, reserved: Reserved, may_go_on: Callable[[], bool]) -> Next:
    """Wait for PAUSE_SECONDS, then claim the job whose turn is next, and reserve those that follow.

    Where workers are as fast as orders, they take several jobs at once in this way, and need no messages. Messages call
    other workers for what is still reserved: somebody else had one of these jobs.
    """
    reserved.publish()
    time.sleep(PAUSE_SECONDS)
    if not may_go_on():
        return OTHERS
    attempt = ended.attempt
    with _handing_back(attempt):
        try:
            following = planned_again(partial(_claim_next, attempt, reserved, ended.lease_seconds))
        except (DatabaseError, InterfaceError) as error:
            logger.warning("next_job_not_claimed", error=repr(error))
            _hand_back_next(attempt)
            return OTHERS
    return _unless_late(following, ended.lease_seconds)


def _unless_late(following: Next, lease_seconds: float) -> Next:
    """What was claimed, unless its lease may have ended before the answer came: then it is handed back."""
    if following.attempt and time.monotonic() > following.asked_at + lease_seconds:
        hand_back(following.attempt)
        return ANY
    return following


def hand_back(attempt: Attempt) -> None:
    """Hand back a job that was claimed and not begun. If PostgreSQL cannot be reached, its lease ends."""
    try:
        retry_while_unreachable(partial(hand_back_job, attempt), seconds=HAND_BACK_SECONDS)
    except (DatabaseError, InterfaceError, LeaseLostError) as error:
        logger.warning("next_job_not_handed_back", job_id=str(attempt.job_id), error=repr(error))


def _finish_and_claim_next(
    attempt: Attempt, ended: dict[str, Any], reserved: Reserved, ahead: int, lease_seconds: float
) -> Next:
    """End the attempt and claim the job whose turn is next, with the queue's row locked; reserve up to `ahead` more."""
    asked_at = time.monotonic()
    with _losing(attempt), pipeline():
        execute(LOCK, queue=attempt.job.queue)
        execute(FINISH_OR_FAIL, **ended)
        taken = execute(CLAIM_NEXT, **_next_to(attempt, ahead, lease_seconds))
    return _taken(taken, attempt, reserved, asked_at)


def _claim_next(attempt: Attempt, reserved: Reserved, lease_seconds: float) -> Next:
    """The same for an attempt that has ended."""
    asked_at = time.monotonic()
    with pipeline():
        execute(LOCK, queue=attempt.job.queue)
        taken = execute(CLAIM_NEXT, **_next_to(attempt, MOST_RESERVED, lease_seconds))
    return _taken(taken, attempt, reserved, asked_at)


def _next_to(attempt: Attempt, ahead: int, lease_seconds: float) -> dict[str, Any]:
    return {
        "queue": attempt.job.queue,
        "ahead": ahead,
        "alike": attempt.job.type,
        "below": HIGHEST_PRIORITY,
        "since": REMEMBERED,
        "lease_seconds": lease_seconds,
        **_task_of(attempt),
    }


def _taken(taken: CursorWrapper, attempt: Attempt, reserved: Reserved, asked_at: float) -> Next:
    [row] = taken.fetchall()
    reserved.add(row["reserved"], were_all=row["were_all"])
    following = attempt_of(row, **_task_of(attempt)) if row["id"] is not None else None
    return Next(following, more=row["more"], asked_at=asked_at, has_turn=True)


def _finish_and_claim(attempt: Attempt, ended: dict[str, Any], job_id: UUID, lease_seconds: float) -> Next:
    """End the attempt and claim this job. If somebody else has it, the worker does not go on."""
    asked_at = time.monotonic()
    with _losing(attempt), pipeline():
        execute(FINISH_OR_FAIL, **ended)
        taken = execute(CLAIM, job_id=job_id, lease_seconds=lease_seconds, **_task_of(attempt))
    for row in taken.fetchall():
        return Next(attempt_of(row, **_task_of(attempt)), more=False, asked_at=asked_at)
    return OTHERS


@contextmanager
def _handing_back(attempt: Attempt) -> Iterator[None]:
    """Hand back the next job if a signal interrupts the claim: Celery's time limit, or the end of the process."""
    try:
        yield
    except (DatabaseError, InterfaceError, LeaseLostError):
        raise
    except BaseException:
        connections.close_all()
        _hand_back_next(attempt)
        raise


@contextmanager
def _losing(attempt: Attempt) -> Iterator[None]:
    """Turn the failure of FINISH_OR_FAIL into LeaseLostError."""
    try:
        yield
    except DataError as error:
        if sqlstate(error) == DivisionByZero.sqlstate:
            raise lost(attempt) from None
        raise


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
