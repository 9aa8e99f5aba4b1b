"""How long until a job begins, and until it has ended: what its owner is told.

What is not known is None, and left out by who shows it. Whatever the number of jobs and attempts, an estimate reads the
row of its type (`RecentRuns`); that of a queued job also what `jobs.estimates.waiting` says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.dispatch.queue_position import find_ahead
from jobs.dispatch.throughput import LONGEST_COUNTED
from jobs.estimates.run_time import NO_ATTEMPTS, PastAttempts, Progress, seconds_left
from jobs.estimates.waiting import read_flow, seconds_to_wait
from jobs.estimates.waiting_reasons import WaitingReason
from jobs.models import Job
from jobs.postgres.statements import fetch_all
from jobs.states import State

#: The rows of some types, and the time.
PAST: Final = """
    SELECT statement_timestamp() AS now, kind, type, seconds, rows, rows_expected
    FROM unnest(%(kinds)s::text[], %(types)s::text[]) AS wanted (kind, type)
    LEFT JOIN jobs_recentruns USING (kind, type)
"""
#: Those whose estimate needs no more than that.
BEGUN: Final = (State.RUNNING, State.FAILED)


@dataclass(frozen=True)
class Estimate:
    """Seconds until a queued job begins, and until a job has ended; its place, 1 for who is next; and why it waits."""

    place: int | None = None
    wait: float | None = None
    left: float | None = None
    reason: WaitingReason | None = None


def estimate(job: Job) -> Estimate:
    """What is known of a job. One query; up to three for a queued job, and none once it has ended.

    An answer asks once, and hands the estimate on to whatever shows it.
    """
    return _estimate_queued(job) if job.state == State.QUEUED else estimate_listed([job])[0]


def estimate_listed(jobs: Sequence[Job]) -> list[Estimate]:
    """What is known of each job without reading its queue. One query if any of them has begun, else none."""
    wanted = {(job.kind, job.type) for job in jobs if job.state in BEGUN}
    if not wanted:
        return [Estimate()] * len(jobs)
    now, past = _read_past(wanted)
    return [Estimate(left=_left(job, now, past.get((job.kind, job.type), NO_ATTEMPTS))) for job in jobs]


def usual_rows(kind: str, type_: str) -> int | None:
    """Rows of the newest attempts of a type; None if they are too few, or spread too widely. One query."""
    _, past = _read_past({(kind, type_)})
    return past.get((kind, type_), NO_ATTEMPTS).usual_rows


def _left(job: Job, now: datetime, past: PastAttempts) -> float | None:
    """Of a job that runs, or waits for its retry. What is to be cancelled ends when it hears of that."""
    if job.state not in BEGUN or job.cancel_requested_at is not None:
        return None
    if job.state == State.RUNNING:
        progress = Progress.of(job, now)
        return None if progress is None else seconds_left(progress, past)
    if job.retry_at is None or past.median_seconds is None:
        return None
    return max(0.0, (job.retry_at - now).total_seconds()) + past.median_seconds


def _estimate_queued(job: Job) -> Estimate:
    """Ahead of a job that is handed out are those that no worker has come for yet; who is not due has no place yet."""
    ahead = find_ahead(job, at_most=LONGEST_COUNTED) if job.due and job.released_at is None else []
    before = sum(one.jobs for one in ahead)
    flow = read_flow(job, ahead)
    reason = flow.reason if flow else None
    if before >= LONGEST_COUNTED:
        return Estimate(reason=reason)
    unclaimed = flow.unclaimed if flow and not flow.is_still else 0
    place = before + unclaimed + 1 if job.due else None
    wait = None if flow is None or flow.is_still else seconds_to_wait(job, flow, ahead)
    if flow is None or wait is None:
        return Estimate(place=place, reason=reason)
    takes = flow.past_of(job).median_seconds
    return Estimate(place=place, wait=wait, left=None if takes is None else wait + takes, reason=reason)


def _read_past(types: Collection[tuple[str, str]]) -> tuple[datetime, dict[tuple[str, str], PastAttempts]]:
    rows = fetch_all(PAST, kinds=[kind for kind, _ in types], types=[type_ for _, type_ in types])
    known = [row for row in rows if row["seconds"] is not None]
    past = {
        (row["kind"], row["type"]): PastAttempts(row["seconds"], row["rows"], row["rows_expected"]) for row in known
    }
    return rows[0]["now"], past
