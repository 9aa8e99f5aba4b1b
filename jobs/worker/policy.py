"""Apply the retry policy of a job's kind after an attempt."""

from __future__ import annotations

from jobs.errors import StalledError, UnknownKindError, WorkerLostError
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.retry import Decision, RetryPolicy, decide
from jobs.states import Outcome

#: Errors of attempts that count as lost.
LOSSES = (WorkerLostError, StalledError)


def decide_for(job: Job, *, error: BaseException) -> Decision:
    """Decide what to do after the current attempt of `job` ended with `error`. Takes a query if it was lost."""
    return decide(
        retry_policy(job),
        error=error,
        attempt_count=job.attempt_count,
        max_attempts=job.max_attempts,
        lost_in_a_row=lost_in_a_row(job) if isinstance(error, LOSSES) else 0,
    )


def retry_policy(job: Job) -> RetryPolicy:
    """The policy of the job's kind, or the default policy if the kind is no longer installed."""
    try:
        return get_kind(job.kind).retry_policy
    except UnknownKindError:
        return RetryPolicy()


def lost_in_a_row(job: Job) -> int:
    """How many attempts in a row were lost, including the current one. Those before a requeue do not count."""
    ended = job.attempts.exclude(outcome__in=["", Outcome.HANDED_BACK]).order_by("-number")
    count = 1
    for outcome in ended.values_list("outcome", flat=True)[: max(0, job.attempt_count - 1)]:
        if outcome != Outcome.LOST:
            break
        count += 1
    return count
