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

from jobs.models.queue_conditions import HANDED_OUT_SQL, QUEUED_SQL, RUNNING_SQL

#: For `since`: look at the jobs that wait from the remembered id on. A submitted job's id: and from that id on, if it is
#: lower. None: look at all jobs, whatever is remembered.
REMEMBERED: Final = UUID(int=2**128 - 1)

#: The most jobs whose ids are remembered as holding a place. Looking each up costs more than an index scan, which in turn
#: must read what a snapshot keeps.
MOST_REMEMBERED: Final = 100

NEWEST: Final = "SELECT * FROM jobs_handout WHERE queue = %(queue)s::text ORDER BY number DESC LIMIT 1"

#: Where the waiting jobs begin.
FIRST_WAITING: Final = f"""
    coalesce((SELECT least(waiting_from, %(since)s::uuid) FROM ({NEWEST}) WHERE %(since)s::uuid IS NOT NULL),
        '00000000-0000-0000-0000-000000000000')
"""  # noqa: S608

#: The oldest waiting job from the id `first` on, by the index `jobs_job_oldest`.
OLDEST_WAITING: Final = f"""
    SELECT id FROM jobs_job WHERE queue = %(queue)s::text AND {QUEUED_SQL} AND due AND released_at IS NULL
    AND id >= {{first}} ORDER BY id LIMIT 1
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
            SELECT id, owner, type, state, released_at FROM jobs_job WHERE id = remembered OFFSET 0
        ) AS job WHERE {RUNNING_SQL} OR {HANDED_OUT_SQL}
        UNION ALL {columns} {searched} AND {RUNNING_SQL}
        UNION ALL {columns} {searched} AND {HANDED_OUT_SQL}
    """
