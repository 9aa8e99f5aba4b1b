"""The jobs ahead of a waiting job, which give its place in the queue and its estimate.

Each poll asks for them, while a queue may hold a million jobs of a hundred owners. A small number is read and counted;
if there are more, a loose index scan finds them, as it does to hand them out (`jobs.dispatch.fairness`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from jobs.dispatch.fairness import RING, SAME_LANE, TYPES, WAITING, WAITING_JOBS
from jobs.models import Job
from jobs.postgres.statements import fetch_all, squeeze

#: Up to this many waiting jobs of a queue are read at once; with more, hopping from owner to owner is faster.
FEW: Final = 2000

#: CTEs about a job that is due and not handed out; empty for other jobs. `few` counts the waiting jobs of the queue by
#: type, priority and owner, and how many are `older` than the job. `ahead` counts those that go ahead: all of a higher
#: priority, the owner's own older ones, and one more than these of each other owner. Paused types are passed over,
#: except for the job's own. Grouping rows is faster than sorting them. Only the rows of `mixed` owners are sorted: they
#: have jobs of several types, only some of which go ahead, and the order decides which types these are.
FEW_AHEAD: Final = f"""
    few AS (
        SELECT kind, type, priority, owner, count(*) AS jobs, count(*) FILTER (WHERE id < %(job_id)s) AS older
        FROM (
            SELECT kind, type, priority, coalesce(owner, 0) AS owner, id FROM jobs_job
            WHERE {WAITING} AND %(due)s::bool
            AND NOT EXISTS (SELECT FROM jobs_job WHERE id = %(job_id)s AND released_at IS NOT NULL)
            LIMIT %(few)s::int + 1
        ) GROUP BY 1, 2, 3, 4
    ), counted AS (
        SELECT coalesce(sum(jobs), 0) > %(few)s::int AS more FROM few
    ), going AS (
        SELECT few.*, priority > %(priority)s::int AS above, owner = coalesce(%(owner)s::bigint, 0) AS own
        FROM few LEFT JOIN jobs_typedials USING (kind, type)
        WHERE (paused IS NOT true OR type = %(type)s::text) AND priority >= %(priority)s::int
    ), before AS (
        SELECT coalesce(sum(older), 0)::int AS jobs FROM going WHERE own AND NOT above
    ), mixed AS (
        SELECT owner FROM counted, before, going WHERE NOT (more OR own OR above)
        GROUP BY owner, before.jobs HAVING count(*) > 1 AND sum(going.jobs) > before.jobs + 1
    ), ahead AS (
        SELECT kind, type, own,
            CASE WHEN above THEN going.jobs WHEN own THEN older ELSE least(going.jobs, before.jobs + 1) END AS jobs
        FROM before, going WHERE above OR owner NOT IN (TABLE mixed)
        UNION ALL
        SELECT kind, type, false, 1 FROM before, (
            SELECT kind, type, row_number() OVER (PARTITION BY owner ORDER BY id) AS round FROM jobs_job
            WHERE EXISTS (TABLE mixed) AND {WAITING} AND (kind, type, priority, coalesce(owner, 0)) IN (
                SELECT kind, type, priority, owner FROM going JOIN mixed USING (owner) WHERE NOT above
            )
        ) WHERE round <= before.jobs + 1
    )
"""  # noqa: S608
#: Whether there are `more` than a few, and otherwise the jobs ahead, for `read_ahead`.
FEW_COLUMNS: Final = """
    (TABLE counted) AS more,
    (SELECT json_agg(json_build_array(kind, type, own, jobs)) FROM (
        SELECT kind, type, own, sum(jobs)::int AS jobs FROM ahead WHERE jobs > 0 GROUP BY 1, 2, 3
    )) AS ahead
"""
AMONG_FEW: Final = squeeze(f"WITH {FEW_AHEAD} SELECT {FEW_COLUMNS}")

#: The jobs ahead among any number of waiting jobs.
AMONG_MANY: Final = f"""
    WITH RECURSIVE level AS (SELECT %(priority)s::int AS top), prior AS (SELECT -1::bigint AS owner),
    {WAITING_JOBS}, {TYPES}, lane AS (
        SELECT type, kind FROM types LEFT JOIN jobs_typedials AS own USING (kind, type)
        WHERE own.paused IS NOT true OR type = %(type)s::text
    ), {RING}, own AS (
        SELECT job.* FROM lane, LATERAL (
            SELECT lane.type FROM waiting WHERE {SAME_LANE} AND coalesce(owner, 0) = %(owner)s::bigint AND id <
            %(job_id)s LIMIT %(at_most)s::int
        ) AS job LIMIT %(at_most)s::int
    ), ahead AS (
        SELECT job.* FROM lane, LATERAL (
            SELECT lane.type, owner FROM waiting WHERE type = lane.type AND priority > %(priority)s::int
            LIMIT %(at_most)s::int
        ) AS job
        UNION ALL SELECT type, %(owner)s::bigint FROM own
        UNION ALL SELECT job.type, ring.owner FROM ring, LATERAL (
            SELECT job.type FROM lane, LATERAL (
                SELECT id, lane.type FROM waiting WHERE {SAME_LANE} AND coalesce(owner, 0) = ring.owner
                ORDER BY id LIMIT 1 + (SELECT count(*) FROM own)
            ) AS job ORDER BY id LIMIT 1 + (SELECT count(*) FROM own)
        ) AS job
        WHERE place > 0 AND ring.owner <> %(owner)s::bigint
        LIMIT %(at_most)s::int
    )
    SELECT kind, type, coalesce(owner, 0) = %(owner)s::bigint AS own, count(*) AS jobs
    FROM ahead JOIN lane USING (type) GROUP BY 1, 2, 3
"""  # noqa: S608


@dataclass(frozen=True)
class Ahead:
    """Waiting jobs of one type whose turn comes before that of a job; `own`: they belong to the same owner."""

    kind: str
    type: str
    own: bool
    jobs: int


def find_ahead(job: Job, *, at_most: int) -> list[Ahead]:
    """The waiting jobs whose turn comes before that of `job` if nothing changes; if there are many, only `at_most`.

    In each round until its own, every other owner of that priority has a turn. Where a round starts is ignored, so
    there may be one fewer for each owner; so are the limits of owners and types. Nothing is ahead of a job that is
    handed out or not due.
    """
    return read_ahead(job, fetch_all(AMONG_FEW, queue=job.queue, **few_parameters(job))[0], at_most=at_most)


def few_parameters(job: Job) -> dict[str, Any]:
    """The parameters of FEW_AHEAD, besides the queue."""
    known = {"job_id": job.pk, "type": job.type, "priority": job.priority, "owner": job.owner_id}
    return {**known, "due": job.due, "few": FEW}


def read_ahead(job: Job, row: dict[str, Any], *, at_most: int) -> list[Ahead]:
    """What `find_ahead` returns, from a row with FEW_COLUMNS. One more query if many jobs wait."""
    if not row["more"]:
        return [Ahead(*columns) for columns in row["ahead"] or ()]
    known = {"job_id": job.pk, "type": job.type, "priority": job.priority, "owner": job.owner_id or 0}
    return [Ahead(**row) for row in fetch_all(AMONG_MANY, queue=job.queue, **known, at_most=at_most)]


def count_ahead(job: Job, *, at_most: int) -> int:
    """The number of jobs ahead, up to `at_most`."""
    return min(at_most, sum(ahead.jobs for ahead in find_ahead(job, at_most=at_most)))
