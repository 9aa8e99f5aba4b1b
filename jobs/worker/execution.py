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
from django.db import connections
from structlog.contextvars import bound_contextvars

from jobs.announcing import announce_ends, must_be_announced
from jobs.context import JobContext
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
from jobs.worker.going_on import ANY, OTHERS, Next, finish_and_claim_next, hand_back
from jobs.worker.memory import peak_memory_bytes, reset_peak_memory
from jobs.worker.policy import decide_for
from jobs.worker.postponement import postponement
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
    until = time.monotonic() + (GO_ON_SECONDS_IN_THREADS if is_in_pool_of_threads() else GO_ON_SECONDS)
    lease = settings.LEASE_SECONDS
    try:
        asked_at = time.monotonic()
        attempt = claim_job(job_id, worker=worker, celery_task_id=celery_task_id, lease_seconds=lease)
        if attempt is None:
            logger.info("job_not_claimable", job_id=str(job_id))
            return None
        context: JobContext | None = JobContext(attempt, lease_seconds=lease, asked_at=asked_at)
        while context is not None:
            with bound_contextvars(job_id=str(context.job.pk), attempt=context.attempt.number, kind=context.job.kind):
                logger.info("attempt_started", worker=worker)
                end, context = run_attempt(context, may_claim_next=partial(_may_claim_next, until=until))
    finally:
        release_connection()
    return end


def is_in_pool_of_threads() -> bool:
    """Whether this is a thread of a pool. A prefork pool runs its tasks in the main thread of each process."""
    return threading.current_thread() is not threading.main_thread()


def _may_claim_next(*, until: float) -> bool:
    return time.monotonic() < until and not is_stopping()


def run_attempt(context: JobContext, *, may_claim_next: Callable[[], bool]) -> tuple[AttemptEnd, JobContext | None]:
    """Run the handler under a heartbeat, finish the job or record why it did not finish, and hand out its place.

    Returns how the attempt ended and, if `may_claim_next()`, the context of the job that this worker has claimed next.
    """
    attempt, following = context.attempt, OTHERS
    if not is_in_pool_of_threads():
        reset_peak_memory()
    try:
        kind = get_kind(context.job.kind)
        with context.resources, beating(context, stall_timeout_seconds=kind.stall_timeout_seconds):
            release_connection()
            result = kind.handler(context)
            if context.effect is not None:
                context.check()
                finish(context, result)
        if context.effect is None:
            context.check()
            if may_claim_next() and not context.written:
                following = finish_and_claim_next(context, result=result, **_measured(context))
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
        return end, None
    claimed = JobContext(following.attempt, lease_seconds=context.lease_seconds, asked_at=following.asked_at)
    try:
        if following.more or must_be_announced(context.job) or kind.after_attempt:
            with beating(claimed):
                _after_end(context.job, end, following)
    except BaseException:
        hand_back(following.attempt)
        raise
    return end, claimed


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
