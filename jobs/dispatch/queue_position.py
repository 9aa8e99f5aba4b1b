"""Who goes ahead of a waiting job: what its place in the queue, and its estimate, are made of.

It is asked for each time that somebody polls, while a queue may hold a million jobs of a hundred owners. A few are read
and counted; where there are more, the index is hopped through as by who hands them out (`jobs.dispatch.fairness`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jobs.dispatch.fairness import RING, SAME_LANE, TYPES, WAITING, WAITING_JOBS
from jobs.models import Job
from jobs.postgres.statements import fetch_all

#: As many waiting jobs of a queue are read at once; from there on, hopping from owner to owner takes less.
FEW: Final = 2000

#: Whether there are `more` than a few; if not, those of a higher priority, the owner's own older ones, and so many of
#: each other owner; by type, and whether they are the owner's. Types that are paused are passed over, but for the job's
#: own.
AMONG_FEW: Final = f"""
    WITH few AS MATERIALIZED (
        SELECT kind, type, priority, coalesce(owner, 0) AS owner, id FROM jobs_job WHERE {WAITING}
        LIMIT %(few)s::int + 1
    ), going AS (
        SELECT few.*, row_number() OVER (PARTITION BY few.priority, few.owner ORDER BY few.id) AS round
        FROM few LEFT JOIN jobs_typedials AS own USING (kind, type)
        WHERE (own.paused IS NOT true OR few.type = %(type)s::text) AND few.priority >= %(priority)s::int
    ), own AS (
        SELECT count(*) AS jobs FROM going
        WHERE priority = %(priority)s::int AND owner = %(owner)s::bigint AND id < %(job_id)s
    ), ahead AS (
        SELECT kind, type, going.owner = %(owner)s::bigint AS own FROM going, own
        WHERE priority > %(priority)s::int
        OR round <= own.jobs + (going.owner <> %(owner)s::bigint)::int
        LIMIT %(at_most)s::int
    )
    SELECT more, ahead.* FROM (SELECT count(*) > %(few)s::int AS more FROM few) AS counted LEFT JOIN (
        SELECT kind, type, own, count(*) AS jobs FROM ahead GROUP BY 1, 2, 3
    ) AS ahead ON NOT more
"""  # noqa: S608

#: The same of any number.
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
    """Waiting jobs of one type that have their turn before a job; `own`: they are of the same owner."""

    kind: str
    type: str
    own: bool
    jobs: int


def find_ahead(job: Job, *, at_most: int) -> list[Ahead]:
    """The waiting jobs that have their turn before that of `job`, if nothing changes; `at_most` of them.

    In each of the rounds until its own, every other owner of that priority has a turn; where the round
    begins is not looked at, so it may be one less for each owner. Nor are the limits of owners and types.
    """
    asked = {
        "queue": job.queue,
        "job_id": job.pk,
        "type": job.type,
        "priority": job.priority,
        "owner": job.owner_id or 0,
        "at_most": at_most,
    }
    rows = fetch_all(AMONG_FEW, few=FEW, **asked)
    if rows[0]["more"]:
        return [Ahead(**row) for row in fetch_all(AMONG_MANY, **asked)]
    return [Ahead(row["kind"], row["type"], row["own"], row["jobs"]) for row in rows if row["kind"] is not None]


def count_ahead(job: Job, *, at_most: int) -> int:
    """How many they are."""
    return sum(ahead.jobs for ahead in find_ahead(job, at_most=at_most))
