"""What one hand-out of a queue remembers for the next, so that neither reads the jobs that are done with.

A long snapshot, such as that of a report, keeps every old version of a row and its index entries. A search for the jobs
that hold a place, or for the oldest that waits, would read those of all jobs that went by since the snapshot was
taken. So the newest row of `jobs_handout` says which jobs held a place and from which id on jobs wait. It is itself
found at once, because its number is the highest.

Both are exact. Only a hand-out, under the lock of the queue's row, lets a job hold a place, and remembers it there.
Ids grow with time, so a new job has a higher id than those that wait; whoever lets an older job wait again releases the
queue's jobs afterwards with `since=None`, which reads all of them and remembers the lower id.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from jobs.models.queue_conditions import DUE_SQL, HANDED_OUT_SQL, RUNNING_SQL

#: For `since`: look at the jobs that wait from the remembered id on. A submitted job's id means: from that id on, if it
#: is lower. None means: look at all jobs, whatever is remembered.
REMEMBERED: Final = UUID(int=2**128 - 1)

#: The most jobs whose ids are remembered as holding a place. With more, an index scan costs less than looking each up,
#: unless a snapshot is held.
MOST_REMEMBERED: Final = 100

NEWEST: Final = "SELECT * FROM jobs_handout WHERE queue = %(queue)s::text ORDER BY number DESC LIMIT 1"

#: Where the waiting jobs begin.
FIRST_WAITING: Final = f"""
    coalesce((SELECT least(waiting_from, %(since)s::uuid) FROM ({NEWEST}) WHERE %(since)s::uuid IS NOT NULL),
        '00000000-0000-0000-0000-000000000000')
"""  # noqa: S608

#: The oldest waiting job from the id `first` on. OFFSET 0 keeps the last condition out of the search by the index
#: `jobs_job_oldest`. With it, `jobs_job_waiting` would fit too, and PostgreSQL would read and sort all waiting jobs
#: where it believes that there are few.
OLDEST_WAITING: Final = f"""
    SELECT id FROM (
        SELECT id, released_at FROM jobs_job WHERE queue = %(queue)s::text AND {DUE_SQL} AND id >= {{first}}
        ORDER BY finished_at, id OFFSET 0
    ) AS due WHERE released_at IS NULL LIMIT 1
"""  # noqa: S608


def held_jobs(known: str) -> str:
    """A query for the jobs that hold a place, running or handed out.

    `known` is a query for the ids that are remembered, or NULL: then all jobs of the queue are searched.
    """
    columns = "SELECT id, owner, type FROM jobs_job WHERE"
    searched = f"queue = %(queue)s::text AND ({known}) IS NULL"
    # OFFSET 0 keeps the conditions out of the lookups, which PostgreSQL would otherwise make by the indexes for them.
    return f"""
        SELECT id, owner, type FROM unnest(({known})::uuid[]) AS known (remembered), LATERAL (
            SELECT id, owner, type, state, released_at, finished_at FROM jobs_job WHERE id = remembered OFFSET 0
        ) AS job WHERE {RUNNING_SQL} OR {HANDED_OUT_SQL}
        UNION ALL {columns} {searched} AND {RUNNING_SQL}
        UNION ALL {columns} {searched} AND {HANDED_OUT_SQL}
    """  # noqa: S608
