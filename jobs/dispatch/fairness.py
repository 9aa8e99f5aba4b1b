"""Whose turn it is: due jobs by priority, then round-robin between owners, then the oldest.

The owners of a queue stand in a ring, in the order of their ids; each round gives one job to each, going on
behind the one whose turn was last. So an owner with 100,000 waiting jobs delays another's first by one. A type of
jobs that is paused, or of which no more may run, is passed over.

Whatever waits, the cost is that of the jobs picked and of the types there are: the ring is walked by hopping from
type to type, and from owner to owner, in the index `jobs_job_waiting` (a loose index scan,
https://wiki.postgresql.org/wiki/Loose_indexscan). Names of types are unique within a queue.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from jobs.dispatch.statements import FREE_PLACE
from jobs.postgres.statements import execute, fetch_all, pipeline, squeeze

#: Above any priority, a 16-bit integer.
ABOVE_ALL: Final = 2**15

WAITING: Final = "queue = %(queue)s AND state = 'queued' AND released_at IS NULL AND due"

#: As a part of each statement that looks at them in several ways.
WAITING_JOBS: Final = f"waiting AS NOT MATERIALIZED (SELECT * FROM jobs_job WHERE {WAITING})"  # noqa: S608

#: The waiting jobs of one type and of the priority `level`.
OF_LANE: Final = "type = lane.type AND priority = (SELECT top FROM level)"

#: The types that wait.
TYPES: Final = """
    types AS (
        (SELECT type, kind FROM waiting ORDER BY type LIMIT 1)
        UNION ALL
        SELECT job.* FROM types, LATERAL (
            SELECT type, kind FROM waiting WHERE type > types.type ORDER BY type LIMIT 1
        ) AS job
    )
"""

#: The owners who have jobs of any `lane` waiting at the priority `level`, from the one behind `prior` on, once
#: around. Jobs without an owner stand at 0, as in the index. Rows are made as they are asked for: LIMIT ends the walk.
RING: Final = f"""
    ring (owner, place, wrapped) AS (
        SELECT owner, 0, false FROM prior
        UNION ALL
        SELECT next.owner, place + 1, next.wrapped FROM ring, prior, LATERAL (
            SELECT job.* FROM lane, LATERAL (
                (SELECT coalesce(owner, 0) AS owner, ring.wrapped FROM waiting
                 WHERE {OF_LANE} AND coalesce(owner, 0) > ring.owner
                 AND (NOT ring.wrapped OR coalesce(owner, 0) <= prior.owner)
                 ORDER BY coalesce(owner, 0) LIMIT 1)
                UNION ALL
                (SELECT coalesce(owner, 0), true FROM waiting
                 WHERE {OF_LANE} AND NOT ring.wrapped AND coalesce(owner, 0) <= prior.owner
                 ORDER BY coalesce(owner, 0) LIMIT 1)
                LIMIT 1
            ) AS job ORDER BY wrapped, owner LIMIT 1
        ) AS next
    )
"""  # noqa: S608

#: What everybody who hands out jobs of a queue waits for.
LOCK: Final = "SELECT FROM jobs_queue WHERE name = %(queue)s FOR UPDATE"

#: The same, and the commit will not wait for the disk: should PostgreSQL crash within the next second, the jobs wait
#: as before, and Beat hands them out again. (A claim does wait: its fencing token must never be given twice.)
#: https://www.postgresql.org/docs/current/wal-async-commit.html
LOCK_BRIEFLY: Final = """
    SELECT set_config('synchronous_commit', 'off', true) FROM jobs_queue WHERE name = %(queue)s FOR UPDATE
"""

#: One priority at a time: how many places are free, of which types, who may have one, which jobs these are, up to the
#: first whose type is full with those before it; and hand them out. A job that somebody else has locked, to cancel it
#: say, is passed over: whoever waits here holds the queue, and maybe a job that the other waits for. Each job is looked
#: up by its id, whatever the planner believes of the table. Who holds a place is counted where a dial asks for it.
HAND_OUT: Final = squeeze(
    f"""
    WITH RECURSIVE dials AS (
        SELECT * FROM jobs_queue WHERE name = %(queue)s AND NOT paused
    ), prior AS (
        SELECT coalesce((SELECT last_owner FROM dials), 0) AS owner
    ), held AS (
        SELECT owner, type FROM jobs_job WHERE queue = %(queue)s AND state = 'running'
        UNION ALL
        SELECT owner, type FROM jobs_job
        WHERE queue = %(queue)s AND state = 'queued' AND released_at IS NOT NULL
    ), places AS (
        SELECT coalesce((
            SELECT greatest(0, least(%(at_most)s::int,
                CASE WHEN max_running >= 0 THEN max_running - (SELECT count(*) FROM held) END))
            FROM dials
        ), 0)::int AS free
    ), {WAITING_JOBS}, {TYPES}, lane AS (
        SELECT * FROM (
            SELECT types.type, least(free, CASE WHEN most >= 0 THEN
                most - (SELECT count(*) FROM held WHERE held.type = types.type) END) AS room
            FROM dials, places, types LEFT JOIN jobs_typedials AS own USING (kind, type),
                LATERAL (SELECT coalesce(own.max_running, max_running_per_type) AS most) AS of_type
            WHERE own.paused IS NOT true
        ) WHERE room > 0
    ), level AS (
        SELECT max(priority) AS top FROM lane, LATERAL (
            SELECT priority FROM waiting
            WHERE type = lane.type AND priority < %(below)s::int ORDER BY priority DESC LIMIT 1
        )
    ), lower AS (
        SELECT FROM level, lane, LATERAL (
            SELECT FROM waiting WHERE type = lane.type AND priority < top ORDER BY priority DESC LIMIT 1
        )
    ), {RING}, owners AS (
        SELECT * FROM (
            SELECT ring.*, least(free, CASE WHEN owner > 0 AND max_running_per_owner >= 0 THEN
                max_running_per_owner - (SELECT count(*) FROM held WHERE held.owner = ring.owner) END) AS quota
            FROM dials, places, ring
        )
        WHERE place > 0 AND quota > 0 LIMIT (SELECT free FROM places)
    ), found AS (
        SELECT job.*, owners.owner, place, row_number() OVER (PARTITION BY type ORDER BY round, place) <= room AS fits
        FROM owners, LATERAL (
            SELECT job.*, row_number() OVER (ORDER BY id) AS round FROM lane, LATERAL (
                SELECT id, lane.type, lane.room FROM waiting
                WHERE {OF_LANE} AND coalesce(owner, 0) = owners.owner ORDER BY id LIMIT least(quota, room)
            ) AS job ORDER BY id LIMIT quota
        ) AS job
    ), placed AS (
        SELECT *, bool_and(fits) OVER (ORDER BY round, place) AS clear FROM found
    ), picked AS (
        SELECT * FROM placed WHERE clear ORDER BY round, place LIMIT (SELECT free FROM places)
    ), turn AS (
        SELECT picked.* FROM picked, LATERAL (
            SELECT state, released_at FROM jobs_job WHERE id = picked.id FOR NO KEY UPDATE SKIP LOCKED
        ) WHERE state = 'queued' AND released_at IS NULL
    ), released AS (
        UPDATE jobs_job SET released_at = statement_timestamp(), updated_at = statement_timestamp()
        WHERE id IN (SELECT id FROM turn)
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details) SELECT id, 'released', '', '{{}}' FROM turn
    ), moved AS (
        UPDATE jobs_queue SET last_owner = (SELECT owner FROM turn ORDER BY round DESC, place DESC LIMIT 1)
        WHERE name = %(queue)s AND EXISTS (SELECT FROM turn)
    )
    SELECT turn.id, free, top, EXISTS (SELECT FROM placed WHERE NOT clear) AS cut, EXISTS (SELECT FROM lower) AS more
    FROM places CROSS JOIN level LEFT JOIN turn ON true WHERE top IS NOT NULL ORDER BY round, place
    """  # noqa: S608
)

#: Looked at without a lock. Each way by its index, whatever the planner believes to be in the table.
IS_THERE_A_TURN: Final = f"""
    SELECT (SELECT type FROM jobs_job WHERE {WAITING} ORDER BY type LIMIT 1) IS NOT NULL AND {FREE_PLACE} AS answer
    FROM jobs_queue WHERE name = %(queue)s
"""  # noqa: S608


def is_there_a_turn(queue: str) -> bool:
    """Whether a job waits and a place is free; a no may be believed.

    A job that is committed before this is asked, and finds all places taken, is found by whoever frees one: who
    ends a job asks this after the commit that ends it.
    """
    return any(row["answer"] for row in fetch_all(IS_THERE_A_TURN, queue=queue))


def hand_out(queue: str, *, at_most: int) -> list[UUID]:
    """Mark as released the jobs whose turn is next, as many as may run beside those that hold a place.

    Each look is a transaction of its own, in one trip: nobody waits for the queue
    longer than PostgreSQL takes.
    """
    # A caller's transaction commits more than this, which is to be on the disk.
    lock = LOCK if connection.in_atomic_block else LOCK_BRIEFLY
    handed_out: list[UUID] = []
    below: int | None = ABOVE_ALL
    while below is not None:
        with pipeline():
            execute(lock, queue=queue)
            turns = ask_for_turns(queue, at_most=at_most - len(handed_out), below=below)
        ids, below = read_turns(turns, below=below)
        handed_out += ids
    return handed_out


def ask_for_turns(queue: str, *, at_most: int, below: int = ABOVE_ALL) -> CursorWrapper:
    """One look by who has locked the queue's row, so that two callers never pick the same job; see `read_turns`."""
    return execute(HAND_OUT, queue=queue, at_most=at_most, below=below)


def read_turns(turns: CursorWrapper, *, below: int = ABOVE_ALL) -> tuple[list[UUID], int | None]:
    """The jobs that one look handed out, and below which priority to look again: None where that is of no use.

    There are more where a type was full and places are left, and of lower priorities.
    """
    rows = turns.fetchall()
    ids = [row["id"] for row in rows if row["id"] is not None]
    if not rows or len(ids) >= rows[0]["free"]:
        return ids, None
    if ids and rows[0]["cut"]:
        return ids, below
    return ids, rows[0]["top"] if rows[0]["more"] else None
