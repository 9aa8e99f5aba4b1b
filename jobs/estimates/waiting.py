"""How long a queued job waits, from the running jobs, the jobs ahead of it, and past attempts of their types.

However many jobs wait or have ended, this reads what `jobs.dispatch.queue_position.find_ahead` does, the running jobs,
and a row for each type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from jobs.dispatch.presence import gone_after
from jobs.dispatch.queue_position import FEW_AHEAD, FEW_COLUMNS, Ahead, few_parameters, read_ahead
from jobs.dispatch.remembered_queue import RememberedQueue
from jobs.dispatch.throughput import ENDED, LONGEST_COUNTED
from jobs.estimates.past_attempts import read_past
from jobs.estimates.run_time import NO_ATTEMPTS, PastAttempts, Progress, possible_seconds_left
from jobs.estimates.simulation import Turns, seconds_until_free
from jobs.estimates.waiting_reasons import NO_WORKER, Standing, WaitingReason, reason_to_wait
from jobs.models import Job
from jobs.models.queue_conditions import HANDED_OUT_SQL, RUNNING, RUNNING_SQL
from jobs.postgres.statements import fetch_all, squeeze

#: A free worker claims a job at once, so no worker is free if one was handed out longer ago.
CLAIMED_WITHIN: Final = timedelta(seconds=2)
#: How many running jobs are read; if more run, these stand for all.
RUNNING_READ: Final = 50
COLUMNS_READ: Final = (
    "kind", "type", "owner", "started_at", "updated_at", "progress_done", "progress_total", "progress_rate",
    "progress_began_at",
)  # fmt: skip


def _flow(*, ctes: str = "", wanted: str = "", columns: str = "false AS more, NULL::json AS ahead") -> str:
    return squeeze(f"""
    WITH {ENDED}, {ctes} held AS (
        SELECT kind, type, owner, true AS runs, NULL::timestamptz AS since FROM jobs_job
        WHERE queue = %(queue)s AND {RUNNING_SQL}
        UNION ALL
        SELECT kind, type, owner, false, released_at FROM jobs_job WHERE queue = %(queue)s AND {HANDED_OUT_SQL}
    ), wanted AS (
        SELECT kind, type FROM held WHERE runs {wanted} UNION SELECT %(kind)s::text, %(type)s
    ), job AS (
        SELECT now, now - %(claimed_within)s::interval AS fresh_from,
            (SELECT released_at FROM jobs_job WHERE id = %(job_id)s) AS released_at
        FROM statement_timestamp() AS now
    ), places AS (
        SELECT count(*) AS held,
            count(*) FILTER (WHERE runs) AS running,
            count(*) FILTER (WHERE since > fresh_from) AS claimed_soon,
            count(*) FILTER (WHERE since <= fresh_from AND (since < released_at) IS NOT false) AS unclaimed,
            count(*) FILTER (WHERE kind = %(kind)s AND type = %(type)s) AS held_of_type,
            count(*) FILTER (WHERE owner = %(owner)s) AS held_of_owner,
            extract(epoch FROM max(now) - min(since))::float AS oldest_unclaimed
        FROM held, job
    )
    SELECT now, released_at, places.*, seconds_taken, per_second,
        jobs_queue.paused AS queue_paused, own.paused IS true AS type_paused, jobs_queue.max_running,
        coalesce(own.max_running, max_running_per_type) AS max_running_of_type, max_running_per_owner,
        (SELECT bool_or(%(queue)s = ANY (queues) AND seen_at > now() - %(gone_after)s::interval) FROM jobs_worker
         WHERE seen_at > now() - interval '1 day') AS is_served,
        (SELECT json_agg(json_build_array(kind, type, seconds, rows, rows_expected))
         FROM jobs_recentruns JOIN wanted USING (kind, type)) AS past,
        {columns}
    FROM places, job, ended, jobs_queue
    LEFT JOIN jobs_typedials AS own ON own.kind = %(kind)s AND own.type = %(type)s
    WHERE name = %(queue)s
    """)  # noqa: S608


#: The state of a queue, its dials for a job, and past attempts of all running types. Whether the job itself has been
#: handed out is read as well: its instance may be older.
FLOW: Final = _flow()
#: The same, and the jobs ahead, with past attempts of their types.
FLOW_AND_AHEAD: Final = _flow(ctes=f"{FEW_AHEAD},", wanted="UNION SELECT kind, type FROM ahead", columns=FEW_COLUMNS)


@dataclass(frozen=True)
class Flow:
    """The state of a queue, and why the job waits there. If the queue `is_still` or has no worker, no wait is known.

    Of the jobs that are handed out, workers will claim some soon; the others are `unclaimed`, as no worker is free.
    `seconds_taken` is the mean of the queue's attempts, whatever their type; `per_second` is how many ended recently.
    """

    now: datetime
    released_at: datetime | None
    ahead: Sequence[Ahead]
    running: int
    claimed_soon: int
    unclaimed: int
    seconds_taken: float | None
    per_second: float | None
    max_running_of_type: int | None
    max_running_per_owner: int | None
    past: Mapping[tuple[str, str], PastAttempts]
    is_still: bool
    reason: WaitingReason | None

    def past_of(self, job: Job | Ahead) -> PastAttempts:
        """Past attempts of its type."""
        return self.past.get((job.kind, job.type), NO_ATTEMPTS)

    def times_of(self, job: Job | Ahead) -> Sequence[float]:
        """Possible durations of its type; the queue's mean for a type without a history. Empty if unknown."""
        past = self.past_of(job)
        return past.seconds if not past.are_few else self.times_of_any()

    def times_of_any(self) -> Sequence[float]:
        """The queue's mean duration, for jobs of unknown type. Empty if unknown."""
        return [self.seconds_taken] if self.seconds_taken else []

    @property
    def jobs_ahead(self) -> int:
        """The number of jobs ahead, up to LONGEST_COUNTED."""
        return sum(one.jobs for one in self.ahead)

    def turns(self, ahead: Iterable[Ahead]) -> list[Turns]:
        """Jobs ahead as turns of the simulation."""
        return [Turns(one.jobs, self.times_of(one)) for one in ahead]

    def times_left(self, job: Job) -> Sequence[float]:
        """When the place of a running job may become free."""
        progress = Progress.of(job, self.now)
        left = [] if progress is None else possible_seconds_left(progress, self.past_of(job))
        return left or self.times_of(job)  # if it has taken longer than any before: as if it started now


Past = dict[tuple[str, str], PastAttempts]

#: Columns of FLOW: those of a Standing, and those that a Flow has unchanged.
STANDING: Final = {field.name for field in fields(Standing)}
OWN_COLUMNS: Final = {field.name for field in fields(Flow)} - {"ahead", "past", "is_still", "reason"}


#: The waiting jobs of a queue, as far as the process remembers them (`jobs.dispatch.remembered_queue`).
Remembered = Callable[[str], RememberedQueue | None]


def nothing_remembered(queue: str) -> None:
    """Read what waits now."""


def read_flow(job: Job, *, remembered: Remembered = nothing_remembered) -> Flow | None:
    """The state of the queue of a queued job; None if that queue no longer exists.

    One query; two or three if many jobs wait. Nothing is ahead of a job that is handed out. The jobs ahead are those
    that are `remembered`, for at most a second, if any are.
    """
    if job.due and job.released_at is None:
        queue = remembered(job.queue)
        if queue is not None and queue.is_known:
            return _read_flow(FLOW, job, queue=queue)
    if not job.due or job.released_at is not None:
        flow = _read_flow(FLOW, job)
        if flow is None or flow.released_at is not None or not job.due:
            return flow
    return _read_flow(FLOW_AND_AHEAD, job)


def _read_flow(statement: str, job: Job, *, queue: RememberedQueue | None = None) -> Flow | None:
    known = {"queue": job.queue, "kind": job.kind, "claimed_within": CLAIMED_WITHIN, "gone_after": gone_after()}
    for row in fetch_all(statement, **known, **few_parameters(job)):
        if queue is None or row["released_at"] is not None:
            ahead = read_ahead(job, row, at_most=LONGEST_COUNTED)
        else:
            ahead = queue.find_ahead(job)
        past = {(kind, type_): PastAttempts(*columns) for kind, type_, *columns in row["past"] or ()}
        if row["more"] or queue is not None:
            past = _with_types_ahead(past, ahead, {} if queue is None else queue.past)
        standing = Standing(**{name: row[name] for name in STANDING})
        own = {name: row[name] for name in OWN_COLUMNS}
        return Flow(**own, ahead=ahead, past=past, is_still=standing.is_still, reason=reason_to_wait(job, standing))
    return None


def _with_types_ahead(past: Past, ahead: Sequence[Ahead], remembered: Past) -> Past:
    """Past attempts of the types ahead, too. One query if neither the flow nor the process knows them all."""
    types = {(one.kind, one.type) for one in ahead}
    if unread := types - past.keys() - remembered.keys():
        remembered |= dict.fromkeys(unread, NO_ATTEMPTS) | read_past(unread)[1]
    return {**remembered, **past}


def seconds_to_wait(job: Job, flow: Flow) -> float | None:
    """Seconds until a worker starts the job; None if unknown. One query, unless a worker is about to start it.

    The queue must have a place for it, and so must its type and its owner if these have limits.
    """
    if not job.due:
        return None if job.scheduled_at is None else max(0.0, (job.scheduled_at - flow.now).total_seconds())
    if flow.reason is NO_WORKER:
        return None  # nobody knows when one is back
    if flow.released_at is not None and flow.now - flow.released_at < CLAIMED_WITHIN:
        return 0.0
    if not flow.running and not flow.claimed_soon:
        before = flow.unclaimed + flow.jobs_ahead
        return (before + 1) / flow.per_second if flow.per_second else None
    running = list(Job.objects.filter(RUNNING, queue=job.queue).only(*COLUMNS_READ)[:RUNNING_READ])
    places = [flow.times_left(one) for one in running]
    places += [flow.times_of_any() or flow.times_of(job)] * flow.claimed_soon
    turns = flow.turns(flow.ahead)
    if flow.unclaimed:
        turns.append(Turns(flow.unclaimed, flow.times_of_any() or flow.times_of(job)))
    share = min(1.0, len(places) / (flow.running + flow.claimed_soon))
    wait = _until_free(job, places, [Turns(one.jobs * share, one.seconds) for one in turns])
    if wait is None:
        return None
    for limit, theirs, theirs_ahead in _limits(job, flow, running):
        taken = [flow.times_left(one) for one in theirs]
        free: list[Sequence[float]] = [[0.0]] * (limit - len(taken))
        wait = max(wait, _until_free(job, (free + taken)[-limit:], flow.turns(theirs_ahead)) or 0.0)
    return wait


def _limits(job: Job, flow: Flow, running: Sequence[Job]) -> Iterator[tuple[int, list[Job], list[Ahead]]]:
    """The limits of the type and of the owner, each with the running jobs and the jobs ahead that it counts."""
    if flow.max_running_of_type:
        of_type = (job.kind, job.type)
        yield (
            flow.max_running_of_type,
            [one for one in running if (one.kind, one.type) == of_type],
            [one for one in flow.ahead if (one.kind, one.type) == of_type],
        )
    if flow.max_running_per_owner and job.owner_id:
        yield (
            flow.max_running_per_owner,
            [one for one in running if one.owner_id == job.owner_id],
            [one for one in flow.ahead if one.own],
        )


def _until_free(job: Job, places: Sequence[Sequence[float]], turns: Sequence[Turns]) -> float | None:
    """None if there is no place, or if the times of one of them are unknown."""
    if not places or not all(places) or not all(one.seconds for one in turns):
        return None
    return seconds_until_free(places, turns, seed=job.pk)
