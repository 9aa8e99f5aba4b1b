"""Execution of jobs, for Celery's tasks: claim a job, run its handler, end the attempt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from structlog.contextvars import bound_contextvars

from jobs.announcing import announce_ends, must_be_announced
from jobs.context import JobContext
from jobs.dispatch.positions import REMEMBERED
from jobs.dispatch.release import release_jobs
from jobs.errors import (
    ArtifactError,
    AttemptFailedError,
    CancelRequestedError,
    LeaseLostError,
    PostponedError,
    RejectedError,
    StalledError,
    StorageUnavailableError,
    WorkerStoppingError,
)
from jobs.files.artifacts import discard_files
from jobs.kinds import find_kind, get_kind
from jobs.models import Artifact, Job
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact
from jobs.postgres.pooling import release_connection
from jobs.postgres.reconnecting import retry_while_unreachable
from jobs.states import Outcome
from jobs.worker.beating import beating
from jobs.worker.going_on import ANY, OTHERS, Next, claim_next_soon, finish_and_claim_next, hand_back
from jobs.worker.memory import peak_memory_bytes, reset_peak_memory
from jobs.worker.policy import decide_for
from jobs.worker.postponement import postponement
from jobs.worker.reserved import Reserved
from jobs.worker.shutdown import is_stopping
from jobs.worker.transitions import (
    cancel_attempt,
    claim_job,
    fail_job,
    finish_job,
    hand_back_job,
    lose_attempt,
    postpone_job,
)

Done = TypeVar("Done")

logger = structlog.get_logger(__name__)

#: How long a task keeps claiming further jobs: much shorter than its time limit. Seconds.
GO_ON_SECONDS: Final = 1.0
#: The same in a pool of threads: it has no time limits, and each job mostly waits for other services. Seconds.
GO_ON_SECONDS_IN_THREADS: Final = 30.0
#: Maximum length of the reason in Celery's result, in characters. The attempt keeps more.
LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended. `outcome` is None if the attempt lost its lease: another process records its outcome."""

    job_id: UUID
    number: int
    outcome: Outcome | None
    #: Why it did not succeed, without secrets.
    reason: str = ""

    def as_result(self) -> dict[str, Any]:
        """The result of the Celery task. Raises AttemptFailedError if the attempt failed or was lost."""
        if self.outcome in (None, Outcome.FAILED, Outcome.LOST):
            verb = "failed" if self.outcome == Outcome.FAILED else "was lost"
            raise AttemptFailedError(f"Attempt {self.number} of job {self.job_id} {verb}: {self.reason}")
        return {"jobId": str(self.job_id), "attempt": self.number, "outcome": str(self.outcome)}


def execute_job(job_id: UUID, *, worker: str, celery_task_id: str = "") -> AttemptEnd | None:
    """Run one attempt of a job, then claim and run the jobs whose turn is next, for GO_ON_SECONDS.

    A message for each small job would cost more than the job. Returns how the last attempt ended; None if the job could
    not be claimed.
    """
    end: AttemptEnd | None = None
    reserved: Reserved | None = None
    until = time.monotonic() + (GO_ON_SECONDS_IN_THREADS if is_in_pool_of_threads() else GO_ON_SECONDS)
    lease = settings.LEASE_SECONDS
    may_claim_next = partial(_may_claim_next, until=until)
    try:
        asked_at = time.monotonic()
        attempt = claim_job(job_id, worker=worker, celery_task_id=celery_task_id, lease_seconds=lease)
        if attempt is None:
            logger.info("job_not_claimable", job_id=str(job_id))
            return None
        ring_for_next(attempt.job.queue)
        reserved = Reserved(attempt.job.queue)
        context: JobContext | None = JobContext(attempt, lease_seconds=lease, asked_at=asked_at)
        while context is not None:
            with bound_contextvars(job_id=str(context.job.pk), attempt=context.attempt.number, kind=context.job.kind):
                logger.info("attempt_started", worker=worker)
                end, context = run_attempt(context, reserved=reserved, may_claim_next=may_claim_next)
    finally:
        if reserved is not None:
            reserved.publish()
        release_connection()
    return end


def ring_for_next(queue: str) -> None:
    """Hand out one more job after a claim has answered a message (`jobs.dispatch.doorbells`).

    If that fails, Beat hands them out; the claimed job is run all the same.
    """
    try:
        release_jobs(queue, since=REMEMBERED, at_most=1)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("next_jobs_not_released", error=repr(error))


def is_in_pool_of_threads() -> bool:
    """Whether this is a thread of a pool. A prefork pool runs its tasks in the main thread of each process."""
    return threading.current_thread() is not threading.main_thread()


def _may_claim_next(*, until: float) -> bool:
    return time.monotonic() < until and not is_stopping()


def run_attempt(
    context: JobContext, *, reserved: Reserved, may_claim_next: Callable[[], bool]
) -> tuple[AttemptEnd, JobContext | None]:
    """Run the handler under a heartbeat, finish the job or record why it did not finish, and hand out its place.

    Returns how the attempt ended and, if `may_claim_next()`, the context of the job that this worker has claimed next.
    """
    attempt, following = context.attempt, OTHERS
    if not is_in_pool_of_threads():
        reset_peak_memory()
    try:
        kind = get_kind(context.job.kind)
        context.when_long = reserved.publish
        with context.resources, beating(context, stall_timeout_seconds=kind.stall_timeout_seconds):
            release_connection()
            result = kind.handler(context)
            if context.effect is not None:
                context.check()
                finish(context, result)
        if context.effect is None:
            context.check()
            if may_claim_next() and not context.written:
                done = {"result": result, **_measured(context)}
                following = finish_and_claim_next(context, reserved=reserved, pauses=_pauses(context), **done)
            else:
                finish(context, result)
        logger.info("attempt_succeeded", rows=context.rows_done)
        end = AttemptEnd(context.job.pk, attempt.number, Outcome.SUCCEEDED)
    except Exception as error:
        end, following = end_unfinished(context, context.stop_reason or error), ANY
    except BaseException as error:  # the process is being terminated: by Celery, if its worker must stop at once
        connections.close_all()  # the exception may have interrupted a statement
        end_unfinished(context, WorkerStoppingError("the worker is being terminated") if is_stopping() else error)
        release_jobs(context.job.queue)
        raise
    if following.attempt is None:
        _after_end(context.job, end, following)
        goes_on = following is not ANY and _pauses(context)
        return end, _begin_soon(context, reserved, may_claim_next) if goes_on else None
    claimed = JobContext(following.attempt, lease_seconds=context.lease_seconds, asked_at=following.asked_at)
    is_followed = following.more or must_be_announced(context.job) or kind.after_attempt
    return end, _begin(claimed, after=partial(_after_end, context.job, end, following) if is_followed else None)


def _pauses(context: JobContext) -> bool:
    """Whether this worker waits a moment for more jobs like this one: it was short and wrote no file."""
    is_small = context.effect is None and not context.written and Reserved.how_many(context.seconds()) > 0
    return is_small and not is_in_pool_of_threads()


def _begin_soon(context: JobContext, reserved: Reserved, may_claim_next: Callable[[], bool]) -> JobContext | None:
    """Wait a moment for the next jobs, after some that were short."""
    following = claim_next_soon(context, reserved=reserved, may_go_on=may_claim_next)
    release = partial(release_jobs, context.job.queue, has_turn=following.has_turn, since=following.since)
    if following.attempt is not None:
        claimed = JobContext(following.attempt, lease_seconds=context.lease_seconds, asked_at=following.asked_at)
        return _begin(claimed, after=release if following.more else None)
    if following.more:
        release()
    return None


def _begin(claimed: JobContext, *, after: Callable[[], object] | None) -> JobContext:
    """The context of the next attempt, once what is left of the one before has been done under its heartbeat."""
    if after is not None:
        try:
            with beating(claimed):
                after()
        except BaseException:
            hand_back(claimed.attempt)
            raise
    return claimed


def _after_end(job: Job, end: AttemptEnd, following: Next) -> None:
    """Hand out the places that are free, and tell everybody who wants to know that the attempt has ended."""
    if following.more:
        release_jobs(job.queue, has_turn=following.has_turn, since=following.since)
    if must_be_announced(job):
        announce_ends([job.pk])
    _tell_kind(job, end)


def _tell_kind(job: Job, end: AttemptEnd) -> None:
    """Call the kind's `after_attempt`, whose errors change nothing."""
    kind = find_kind(job.kind)
    if kind is None or kind.after_attempt is None or end.outcome in (None, Outcome.HANDED_BACK):
        return
    try:
        kind.after_attempt(job)
    except Exception as error:
        logger.warning("after_attempt_failed", error=redact(repr(error), secrets_of(job)))


def finish(context: JobContext, result: dict[str, Any] | None) -> None:
    """Finish the job, with the files and the effect of the attempt."""
    artifacts = [writer.artifact() for writer in context.written]
    done = {"result": result, "artifacts": artifacts, "effect": context.effect, **_measured(context)}
    retry_until_lease_ends(context, partial(finish_job, context.attempt, **done))


def end_unfinished(context: JobContext, error: BaseException) -> AttemptEnd:
    """End an attempt that `error` kept from finishing its job, and delete its files.

    If the input was rejected, the files that say why are published instead.
    """
    attempt, measured = context.attempt, _measured(context)
    secrets = secrets_of(attempt.job)
    logger.warning("attempt_ended", error=redact(repr(error), secrets))
    kept, error = _files_to_keep(context, error)
    if not kept:
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
                decision = decide_for(attempt.job, error=error)
                return fail_job(attempt, error=error, decision=decision, artifacts=kept, **measured)

    outcome: Outcome | None = None
    try:
        outcome = retry_until_lease_ends(context, end)
    except LeaseLostError:
        logger.warning("attempt_lost_its_lease")
    if kept:
        discard_files(context.written)  # those that were not published after all
    return AttemptEnd(attempt.job_id, attempt.number, outcome, redact(str(error), secrets)[:LONGEST_REASON])


def _files_to_keep(context: JobContext, error: BaseException) -> tuple[list[Artifact], BaseException]:
    """The files to publish with this error, and the error to record: another one if the storage lost them."""
    if not isinstance(error, RejectedError):
        return [], error
    try:
        return [writer.artifact() for writer in context.written if writer.is_complete], error
    except (ArtifactError, StorageUnavailableError) as lost:
        return [], lost


def _measured(context: JobContext) -> dict[str, Any]:
    return {"rows": context.rows_done, "peak_memory_bytes": peak_memory_bytes()}


def retry_until_lease_ends(context: JobContext, transition: Callable[[], Done]) -> Done:
    """Make a transition; repeat it while PostgreSQL restarts. The transition is guarded, so repeating it is safe."""
    return retry_while_unreachable(transition, seconds=context.lease_seconds)
