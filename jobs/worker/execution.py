"""Execute: claim a job, run its handler, end the attempt. What a Celery task calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import stamina
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from structlog.contextvars import bound_contextvars

from jobs.context import JobContext
from jobs.dispatch.fairness import HIGHEST_PRIORITY
from jobs.dispatch.release import BATCH_SIZE, publish_all_but_first, release_jobs
from jobs.errors import (
    AttemptFailedError,
    CancelRequestedError,
    LeaseLostError,
    PostponedError,
    StalledError,
    WorkerStoppingError,
)
from jobs.files.artifacts import discard_files
from jobs.kinds import get_kind
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact
from jobs.states import Outcome
from jobs.webhooks.announcing import announce_at_once
from jobs.worker.heartbeat import beating
from jobs.worker.memory import peak_memory_bytes, reset_peak_memory
from jobs.worker.policy import decide_for
from jobs.worker.postponement import postponement
from jobs.worker.shutdown import is_stopping
from jobs.worker.transitions import (
    cancel_attempt,
    claim_job,
    fail_job,
    finish_and_hand_out,
    finish_job,
    hand_back_job,
    lose_attempt,
    postpone_job,
)

Done = TypeVar("Done")

logger = structlog.get_logger(__name__)

#: How long a task goes on with further jobs: short, beside its time limit. Seconds.
GO_ON_SECONDS: Final = 1.0
#: Characters of a reason in Celery's result; the attempt keeps more.
LONGEST_REASON: Final = 500
#: Of a connection to PostgreSQL that is gone: the same on a new one may well succeed.
CONNECTION_ERRORS = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended. `outcome` is None where it had lost its lease: another has said or will say it."""

    job_id: UUID
    number: int
    outcome: Outcome | None
    #: Why, where it did not succeed; without secrets.
    reason: str = ""

    def as_result(self) -> dict[str, Any]:
        """As the result of a Celery task. Raises AttemptFailedError where the attempt failed or was lost."""
        if self.outcome in (None, Outcome.FAILED, Outcome.LOST):
            said = "failed" if self.outcome == Outcome.FAILED else "was lost"
            raise AttemptFailedError(f"Attempt {self.number} of job {self.job_id} {said}: {self.reason}")
        return {"jobId": str(self.job_id), "attempt": self.number, "outcome": str(self.outcome)}


def execute_job(job_id: UUID, *, worker: str, celery_task_id: str = "") -> AttemptEnd | None:
    """Run one attempt of a job to its end, if the job is there to be claimed.

    While that takes little time, go on with the job whose turn is next: a message for each small job would cost
    more than the job. Returns how the last attempt ended; None when there was nothing to claim.
    """
    end: AttemptEnd | None = None
    until = time.monotonic() + GO_ON_SECONDS
    following: UUID | None = job_id
    while following is not None:
        asked_at = time.monotonic()
        attempt = claim_job(
            following, worker=worker, celery_task_id=celery_task_id, lease_seconds=settings.LEASE_SECONDS
        )
        if attempt is None:
            logger.info("job_not_claimable", job_id=str(following))
            break
        with bound_contextvars(job_id=str(following), attempt=attempt.number, kind=attempt.job.kind):
            logger.info("attempt_started", worker=worker)
            context = JobContext(attempt, lease_seconds=settings.LEASE_SECONDS, asked_at=asked_at)
            end, following = run_attempt(context, may_claim_next=lambda: time.monotonic() < until and not is_stopping())
    return end


def run_attempt(context: JobContext, *, may_claim_next: Callable[[], bool]) -> tuple[AttemptEnd, UUID | None]:
    """Run the handler under a heartbeat, then finish the job or record why it was not finished.

    Hands the place out again. Returns how the attempt ended, and, if `may_claim_next()`, the job that this worker is
    to claim next.
    """
    attempt, queue = context.attempt, context.job.queue
    handed_out: list[UUID] = []
    below: int | None = HIGHEST_PRIORITY
    reset_peak_memory()
    try:
        kind = get_kind(context.job.kind)
        with beating(context, stall_timeout_seconds=kind.stall_timeout_seconds):
            result = kind.handler(context)
        context.check()
        measured = {"rows": context.rows_done, "peak_memory_bytes": peak_memory_bytes()}
        done: dict[str, Any] = {"attempt": attempt, "result": result, **measured}
        if may_claim_next() and not context.written:
            finish = partial(finish_and_hand_out, **done, at_most=BATCH_SIZE)
            handed_out, below = until_the_lease_ends(context, finish)
        else:
            artifacts = [writer.artifact() for writer in context.written]
            until_the_lease_ends(context, partial(finish_job, **done, artifacts=artifacts))
        logger.info("attempt_succeeded", rows=context.rows_done)
        end = AttemptEnd(context.job.pk, attempt.number, Outcome.SUCCEEDED)
    except Exception as error:
        end = end_unfinished(context, context.stop_reason or error)
    except BaseException as error:  # somebody ends this process: Celery, because its worker is to stop at once
        connections.close_all()  # the exception may have come in the middle of a statement
        end_unfinished(context, WorkerStoppingError("the worker is being ended") if is_stopping() else error)
        release_jobs(queue)
        raise
    following = publish_all_but_first(queue, handed_out)
    if below is not None:
        release_jobs(queue)
    if context.job.calls_back:
        announce_at_once([context.job.pk])
    return end, following


def end_unfinished(context: JobContext, error: BaseException) -> AttemptEnd:
    """End an attempt that did not finish its job, as `error` says, and leave no file of it behind."""
    attempt = context.attempt
    measured = {"rows": context.rows_done, "peak_memory_bytes": peak_memory_bytes()}
    secrets = secrets_of(attempt.job)
    logger.warning("attempt_ended", error=redact(repr(error), secrets))
    discard_files(context.written)

    def end() -> Outcome | None:
        match error:
            case LeaseLostError():
                return None
            case CancelRequestedError():
                return cancel_attempt(attempt, **measured)
            case WorkerStoppingError():
                return hand_back_job(attempt, **measured)
            case PostponedError():
                return postpone_job(attempt, error=error, delay=error.delay or postponement(attempt), **measured)
            case StalledError():
                decision = decide_for(attempt.job, error=error)
                return lose_attempt(attempt, error=error, decision=decision, expired_only=False, **measured)
            case _:
                return fail_job(attempt, error=error, decision=decide_for(attempt.job, error=error), **measured)

    outcome: Outcome | None = None
    try:
        outcome = until_the_lease_ends(context, end)
    except LeaseLostError:
        logger.warning("attempt_lost_its_lease")
    return AttemptEnd(attempt.job_id, attempt.number, outcome, redact(str(error), secrets)[:LONGEST_REASON])


def until_the_lease_ends(context: JobContext, transition: Callable[[], Done]) -> Done:
    """Make a transition; repeat it while PostgreSQL restarts. It is guarded, so a repetition does no harm."""
    try:
        return transition()
    except CONNECTION_ERRORS:
        connections.close_all()

    def again(error: Exception) -> bool:
        gone = isinstance(error, CONNECTION_ERRORS)
        if gone:
            connections.close_all()
        return gone

    for trial in stamina.retry_context(
        on=again, attempts=None, timeout=context.lease_seconds, wait_initial=0.2, wait_max=2.0
    ):
        with trial:
            return transition()
    raise AssertionError("stamina tries, or raises")
