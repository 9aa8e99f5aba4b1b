"""How long until a job starts, and until it has ended: what its owner is told.

Unknown values are None, and are not shown. Whatever the number of jobs and attempts, an estimate reads one row for its
type (`RecentRuns`); that of a queued job also needs `jobs.estimates.waiting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.dispatch.throughput import LONGEST_COUNTED
from jobs.estimates.past_attempts import read_past
from jobs.estimates.run_time import NO_ATTEMPTS, PastAttempts, Progress, seconds_left
from jobs.estimates.waiting import Remembered, nothing_remembered, read_flow, seconds_to_wait
from jobs.estimates.waiting_reasons import WaitingReason
from jobs.models import Job
from jobs.states import State

#: The states whose estimate needs only the row of the type.
BEGUN: Final = (State.RUNNING, State.FAILED)


@dataclass(frozen=True)
class Estimate:
    """Seconds until a queued job starts (`wait`) and until a job ends (`left`); its place, 1 if next; why it waits."""

    place: int | None = None
    wait: float | None = None
    left: float | None = None
    reason: WaitingReason | None = None


def estimate(job: Job, *, remembered: Remembered = nothing_remembered) -> Estimate:
    """The estimate of a job. One query; up to two for a queued job (four if many wait), and none once it has ended.

    Call this once for an answer, and pass on the result. With `remembered`, one of the functions of
    `jobs.dispatch.remembered_queue`, the place may be a second old.
    """
    if job.state == State.QUEUED:
        return _estimate_queued(job, remembered=remembered)
    return estimate_listed([job])[0]


def estimate_listed(jobs: Sequence[Job]) -> list[Estimate]:
    """The estimate of each job without reading its queue. One query if any of them has started, else none."""
    wanted = {(job.kind, job.type) for job in jobs if job.state in BEGUN}
    if not wanted:
        return [Estimate()] * len(jobs)
    now, past = read_past(wanted)
    return [Estimate(left=_left(job, now, past.get((job.kind, job.type), NO_ATTEMPTS))) for job in jobs]


def usual_rows(kind: str, type_: str) -> int | None:
    """The usual number of rows of a type; None if its past attempts are few or differ too much. One query."""
    _, past = read_past({(kind, type_)})
    return past.get((kind, type_), NO_ATTEMPTS).usual_rows


def _left(job: Job, now: datetime, past: PastAttempts) -> float | None:
    """For a job that runs, or waits for its retry. A canceled one ends as soon as its worker notices."""
    if job.state not in BEGUN or job.cancel_requested_at is not None:
        return None
    if job.state == State.RUNNING:
        progress = Progress.of(job, now)
        return None if progress is None else seconds_left(progress, past)
    if job.retry_at is None or past.median_seconds is None:
        return None
    return max(0.0, (job.retry_at - now).total_seconds()) + past.median_seconds


def _estimate_queued(job: Job, *, remembered: Remembered) -> Estimate:
    """Ahead of a handed-out job are those that no worker has claimed yet. A job that is not due has no place yet."""
    flow = read_flow(job, remembered=remembered)
    if flow is None:
        return Estimate()
    if flow.jobs_ahead >= LONGEST_COUNTED:
        return Estimate(reason=flow.reason)
    place = flow.jobs_ahead + (0 if flow.is_still else flow.unclaimed) + 1 if job.due else None
    wait = None if flow.is_still else seconds_to_wait(job, flow)
    takes = flow.past_of(job).median_seconds
    left = None if wait is None or takes is None else wait + takes
    return Estimate(place=place, wait=wait, left=left, reason=flow.reason)
