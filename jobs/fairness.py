"""Whose turn it is: due jobs by priority, then round-robin between owners, then the oldest.

The owners of a queue stand in a ring, in the order of their ids; each round gives one job to each, going on
behind the one whose turn was last. So an owner with 100,000 waiting jobs delays another's first by one.

Whatever waits, the cost is that of the jobs picked: the ring is walked by hopping from owner to owner in the
index `jobs_job_waiting` (a loose index scan, https://wiki.postgresql.org/wiki/Loose_indexscan).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models.functions import Coalesce

from jobs.models import Job
from jobs.statements import ask, one_trip, run

#: Above any priority, a 16-bit integer.
ABOVE_ALL: Final = 2**15

WAITING: Final = "queue = %(queue)s::text AND state = 'queued' AND released_at IS NULL AND due"

#: The owners who have jobs waiting at the priority `level`, from the one behind `turn_before` on, once around. Jobs
#: without an owner stand at 0, as in the index. Rows are made as they are asked for: LIMIT ends the walk.
RING: Final = f"""
    ring (owner, place, wrapped) AS (
        SELECT (SELECT owner FROM turn_before), 0, false
        UNION ALL
        SELECT next.owner, ring.place + 1, next.wrapped FROM ring CROSS JOIN LATERAL (
            (SELECT coalesce(owner, 0) AS owner, ring.wrapped FROM jobs_job
             WHERE {WAITING} AND priority = (SELECT priority FROM level) AND coalesce(owner, 0) > ring.owner
             AND (NOT ring.wrapped OR coalesce(owner, 0) <= (SELECT owner FROM turn_before))
             ORDER BY coalesce(owner, 0) LIMIT 1)
            UNION ALL
            (SELECT coalesce(owner, 0), true FROM jobs_job
             WHERE {WAITING} AND priority = (SELECT priority FROM level)
             AND NOT ring.wrapped AND coalesce(owner, 0) <= (SELECT owner FROM turn_before)
             ORDER BY coalesce(owner, 0) LIMIT 1)
            LIMIT 1
        ) AS next
    )
"""  # noqa: S608

#: What everybody who hands out jobs of a queue waits for.
LOCK: Final = "SELECT FROM jobs_queue WHERE name = %(queue)s::text FOR UPDATE"

#: The same, and the commit will not wait for the disk: should PostgreSQL crash within the next second, the jobs wait
#: as before, and Beat hands them out again. (A claim does wait: its fencing token must never be given twice.)
#: https://www.postgresql.org/docs/current/wal-async-commit.html
LOCK_BRIEFLY: Final = """
    SELECT set_config('synchronous_commit', 'off', true) FROM jobs_queue WHERE name = %(queue)s::text FOR UPDATE
"""

#: One priority at a time: how many places are free, who may have one, which jobs these are; and hand them out.
#: A job that somebody else has locked, to cancel it say, is passed over: whoever waits here holds the queue, and maybe
#: a job that the other waits for. Each job is looked up by its id, whatever the planner believes of the table.
#: In one line, as psycopg remembers statements of up to 4096 characters.
HAND_OUT: Final = " ".join(
    f"""
    WITH RECURSIVE dials AS MATERIALIZED (
        SELECT max_running, max_running_per_owner, last_owner FROM jobs_queue
        WHERE name = %(queue)s::text AND NOT paused
    ), turn_before AS MATERIALIZED (
        SELECT coalesce((SELECT last_owner FROM dials), 0) AS owner
    ), occupied AS MATERIALIZED (
        SELECT coalesce(owner, 0) AS owner, count(*) AS jobs FROM (
            SELECT owner FROM jobs_job WHERE queue = %(queue)s::text AND state = 'running'
            UNION ALL
            SELECT owner FROM jobs_job WHERE queue = %(queue)s::text AND state = 'queued' AND released_at IS NOT NULL
        ) AS job GROUP BY 1
    ), places AS MATERIALIZED (
        SELECT coalesce((
            SELECT greatest(0, least(%(at_most)s::int, max_running - (SELECT coalesce(sum(jobs), 0) FROM occupied)))
            FROM dials
        ), 0)::int AS free
    ), level AS MATERIALIZED (
        SELECT priority FROM jobs_job WHERE {WAITING} AND priority < %(below)s::int ORDER BY priority DESC LIMIT 1
    ), lower AS MATERIALIZED (
        SELECT priority FROM jobs_job
        WHERE {WAITING} AND priority < (SELECT priority FROM level) ORDER BY priority DESC LIMIT 1
    ), {RING}, owners AS (
        SELECT owner, place, allowance FROM (
            SELECT owner, place, CASE
                WHEN owner = 0 OR max_running_per_owner IS NULL THEN (SELECT free FROM places)
                ELSE max_running_per_owner
                    - coalesce((SELECT jobs FROM occupied WHERE occupied.owner = ring.owner), 0)
            END AS allowance
            FROM dials CROSS JOIN ring
        ) AS allowed
        WHERE place > 0 AND allowance > 0 LIMIT (SELECT free FROM places)
    ), picked AS MATERIALIZED (
        SELECT job.id, job.round, owners.owner, owners.place FROM owners CROSS JOIN LATERAL (
            SELECT id, row_number() OVER (ORDER BY id) AS round FROM (
                SELECT id FROM jobs_job
                WHERE {WAITING} AND priority = (SELECT priority FROM level) AND coalesce(owner, 0) = owners.owner
                ORDER BY id LIMIT least(owners.allowance, (SELECT free FROM places))
            ) AS oldest
        ) AS job
        ORDER BY job.round, owners.place LIMIT (SELECT free FROM places)
    ), locked AS MATERIALIZED (
        SELECT job.* FROM picked CROSS JOIN LATERAL (
            SELECT id, state, released_at FROM jobs_job WHERE id = picked.id FOR NO KEY UPDATE SKIP LOCKED
        ) AS job
    ), turn AS MATERIALIZED (
        SELECT picked.* FROM picked JOIN locked USING (id) WHERE locked.state = 'queued' AND locked.released_at IS NULL
    ), released AS (
        UPDATE jobs_job SET released_at = statement_timestamp(), updated_at = statement_timestamp()
        WHERE id IN (SELECT id FROM turn)
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details) SELECT id, 'released', '', '{{}}' FROM turn
    ), moved AS (
        UPDATE jobs_queue SET last_owner = (SELECT owner FROM turn ORDER BY round DESC, place DESC LIMIT 1)
        WHERE name = %(queue)s::text AND EXISTS (SELECT FROM turn)
    )
    SELECT turn.id, places.free, level.priority, EXISTS (SELECT FROM lower) AS has_lower
    FROM places CROSS JOIN level LEFT JOIN turn ON true ORDER BY turn.round, turn.place
    """.split()  # noqa: S608
)

#: Looked at without a lock. Each way by its index, whatever the planner believes to be in the table.
IS_THERE_A_TURN: Final = f"""
    SELECT (SELECT priority FROM jobs_job WHERE {WAITING} ORDER BY priority DESC LIMIT 1) IS NOT NULL
    AND (max_running IS NULL OR max_running > (
        SELECT count(*) FROM jobs_job WHERE queue = %(queue)s::text AND state = 'running'
    ) + (
        SELECT count(*) FROM jobs_job WHERE queue = %(queue)s::text AND state = 'queued' AND released_at IS NOT NULL
    )) AS answer
    FROM jobs_queue WHERE name = %(queue)s::text AND NOT paused
"""  # noqa: S608

COUNT_OF_OTHERS: Final = f"""
    WITH RECURSIVE level AS (SELECT %(priority)s::int AS priority), turn_before AS (SELECT -1::bigint AS owner), {RING}
    SELECT count(*) AS others FROM (
        SELECT FROM ring CROSS JOIN LATERAL (
            SELECT FROM jobs_job
            WHERE {WAITING} AND priority = (SELECT priority FROM level) AND coalesce(owner, 0) = ring.owner
            LIMIT %(rounds)s::int
        ) AS job
        WHERE ring.place > 0 AND ring.owner <> %(owner)s::bigint LIMIT %(at_most)s::int
    ) AS others
"""  # noqa: S608


def is_there_a_turn(queue: str) -> bool:
    """Whether a job waits and a place is free; a no may be believed.

    A job that is committed before this is asked, and finds all places taken, is found by whoever frees one: who
    ends a job asks this after the commit that ends it.
    """
    return any(row["answer"] for row in run(IS_THERE_A_TURN, queue=queue))


def hand_out(queue: str, *, at_most: int) -> list[UUID]:
    """Mark as released the jobs whose turn is next, as many as may run beside those that hold a place."""
    # A caller's transaction commits more than this, which is to be on the disk.
    alone = not connection.in_atomic_block
    with one_trip():
        ask(LOCK_BRIEFLY if alone else LOCK, queue=queue)
        return pick_turns(queue, at_most=at_most)


def pick_turns(queue: str, *, at_most: int) -> list[UUID]:
    """What `hand_out` does, once the queue's row is locked, so that two callers never pick the same job."""
    handed_out: list[UUID] = []
    below = ABOVE_ALL
    while True:
        rows = run(HAND_OUT, queue=queue, below=below, at_most=at_most - len(handed_out))
        found = [row["id"] for row in rows if row["id"] is not None]
        handed_out += found
        if not rows or len(found) >= rows[0]["free"] or not rows[0]["has_lower"]:
            return handed_out
        below = rows[0]["priority"]


def count_ahead(job: Job, *, at_most: int) -> int:
    """How many waiting jobs have their turn before that of `job`, if nothing changes; counted up to `at_most`.

    In each of the rounds until its own, every other owner of that priority has a turn; where the round
    begins is not looked at, so it may be one less for each owner.
    """
    waiting = Job.objects.waiting(job.queue)
    higher = waiting.filter(priority__gt=job.priority)[:at_most].count()
    if higher == at_most:
        return higher
    same = waiting.filter(priority=job.priority)
    own = same.alias(turn=Coalesce("owner", 0)).filter(turn=job.owner_id or 0, pk__lt=job.pk)
    own_count = own[: at_most - higher].count()
    [others] = run(
        COUNT_OF_OTHERS,
        queue=job.queue,
        priority=job.priority,
        owner=job.owner_id or 0,
        rounds=own_count + 1,
        at_most=at_most - higher - own_count,
    )
    return int(higher + own_count + others["others"])
