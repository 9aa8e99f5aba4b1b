"""Whose turn it is: due jobs by priority, then round-robin between owners, then the oldest.

The owners of a queue form a ring, in the order of their ids. Each round hands out one job of each owner, starting
behind the last owner served. So an owner with 100,000 waiting jobs delays another owner's first job by one. Types that
are paused, or of which no more may run, are passed over.

The cost depends on the jobs picked and on the types and owners that wait, not on the number of waiting jobs: the index
`jobs_job_waiting` is walked by a loose index scan, from type to type and from owner to owner. A type's name is unique
within its queue.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from jobs.dispatch.doorbells import MORE_MESSAGES
from jobs.dispatch.positions import FIRST_WAITING, MOST_REMEMBERED, NEWEST, OLDEST_WAITING, held_jobs
from jobs.dispatch.statements import free_place
from jobs.models.queue_conditions import WAITING_SQL
from jobs.postgres.loose_index_scan import loose_index_scan
from jobs.postgres.statements import execute, fetch_all, pipeline, squeeze

#: Above any priority, which is a 16-bit integer.
HIGHEST_PRIORITY: Final = 2**15

WAITING: Final = f"queue = %(queue)s AND {WAITING_SQL}"

#: The waiting jobs, for statements that read them in several ways.
WAITING_JOBS: Final = f"waiting AS NOT MATERIALIZED (SELECT * FROM jobs_job WHERE {WAITING})"  # noqa: S608

#: The waiting jobs of one type and of the priority `level`.
SAME_LANE: Final = "type = lane.type AND priority = (SELECT top FROM level)"

#: The types of the waiting jobs.
TYPES: Final = loose_index_scan("types", key=["type"], also=["kind"], source="waiting")

#: The owners with waiting jobs of any `lane` at the priority `level`: once around the ring, starting behind `prior`.
#: Jobs without an owner count as owner 0, as in the index. PostgreSQL makes the rows only as they are read, so a LIMIT
#: ends the walk.
RING: Final = f"""
    ring (owner, place, wrapped) AS (
        SELECT owner, 0, false FROM prior
        UNION ALL
        SELECT next.owner, place + 1, next.wrapped FROM ring, prior, LATERAL (
            SELECT job.* FROM lane, LATERAL (
                (SELECT coalesce(owner, 0) AS owner, ring.wrapped FROM waiting
                 WHERE {SAME_LANE} AND coalesce(owner, 0) > ring.owner
                 AND (NOT ring.wrapped OR coalesce(owner, 0) <= prior.owner)
                 ORDER BY coalesce(owner, 0) LIMIT 1)
                UNION ALL
                (SELECT coalesce(owner, 0), true FROM waiting
                 WHERE {SAME_LANE} AND NOT ring.wrapped AND coalesce(owner, 0) <= prior.owner
                 ORDER BY coalesce(owner, 0) LIMIT 1)
                LIMIT 1
            ) AS job ORDER BY wrapped, owner LIMIT 1
        ) AS next
    )
"""  # noqa: S608

#: Every transaction that hands out jobs of a queue takes this lock first.
LOCK: Final = "SELECT FROM jobs_queue WHERE name = %(queue)s FOR UPDATE"

#: The same lock, and a commit that does not wait for the disk: if PostgreSQL crashes within the next second, the jobs
#: are waiting again, and Beat hands them out. (A claim does wait: its fencing token must never be given twice.)
#: https://www.postgresql.org/docs/current/wal-async-commit.html
LOCK_BRIEFLY: Final = """
    SELECT set_config('synchronous_commit', 'off', true) FROM jobs_queue WHERE name = %(queue)s FOR UPDATE
"""


def whose_turn(at_most: str) -> str:
    """The jobs of one priority whose turn is next, locked, `at_most` so many; comments number the steps.

    A job that another transaction has locked, for example to cancel it, is skipped: that transaction may be waiting for
    the queue's row, which is locked here. Jobs that hold a place are counted only if a dial needs the number.
    """
    return f"""
    WITH RECURSIVE
    /* 1. The dials of the queue: no row if it is paused. The ring starts behind the last owner served. */
    dials AS (
        SELECT * FROM jobs_queue WHERE name = %(queue)s AND NOT paused
    ), newest AS MATERIALIZED (
        {NEWEST}
    ), prior AS MATERIALIZED (
        SELECT coalesce((SELECT last_owner FROM newest), (SELECT last_owner FROM dials), 0) AS owner,
            {FIRST_WAITING} AS first,
            (SELECT held FROM newest WHERE %(since)s::uuid IS NOT NULL) AS known
    ),
    /* 2. The jobs that hold a place, running or handed out, and how many places are free. */
    held AS MATERIALIZED (
        {held_jobs("SELECT known FROM prior")}
    ), places AS (
        SELECT coalesce((
            SELECT greatest(0, least({at_most},
                CASE WHEN max_running >= 0 THEN max_running - (SELECT count(*) FROM held) END))
            FROM dials
        ), 0)::int AS free
    ),
    /* 3. The waiting types, and how many more jobs of each may run: a lane is a type with room. */
    waiting AS NOT MATERIALIZED (
        SELECT * FROM jobs_job WHERE {WAITING} AND id >= (SELECT first FROM prior)
    ), {TYPES}, lane AS (
        SELECT * FROM (
            SELECT types.type, least(free, CASE WHEN most >= 0 THEN
                most - (SELECT count(*) FROM held WHERE held.type = types.type) END) AS room
            FROM dials, places, types LEFT JOIN jobs_typedials AS own USING (kind, type),
                LATERAL (SELECT coalesce(own.max_running, max_running_per_type) AS most) AS of_type
            WHERE own.paused IS NOT true
        ) WHERE room > 0
    ),
    /* 4. The highest priority that waits in any lane, and whether a lower one waits, too. */
    level AS (
        SELECT max(priority) AS top FROM lane, LATERAL (
            SELECT priority FROM waiting
            WHERE type = lane.type AND priority < %(below)s::int ORDER BY priority DESC LIMIT 1
        )
    ), lower AS (
        SELECT FROM level, lane, LATERAL (
            SELECT FROM waiting WHERE type = lane.type AND priority < top ORDER BY priority DESC LIMIT 1
        )
    ),
    /* 5. The owners whose turn comes at this priority, in the order of the ring, and how many jobs each may have. */
    {RING}, owners AS (
        SELECT * FROM (
            SELECT ring.*, least(free, CASE WHEN owner > 0 AND max_running_per_owner >= 0 THEN
                max_running_per_owner - (SELECT count(*) FROM held WHERE held.owner = ring.owner) END) AS quota
            FROM dials, places, ring
        )
        WHERE place > 0 AND quota > 0 LIMIT (SELECT free FROM places)
    ),
    /* 6. The oldest jobs of each owner, by round and place in the ring; up to the first whose type is full by then. */
    found AS (
        SELECT job.*, owners.owner, place, row_number() OVER (PARTITION BY type ORDER BY round, place) <= room AS fits
        FROM owners, LATERAL (
            SELECT job.*, row_number() OVER (ORDER BY id) AS round FROM lane, LATERAL (
                SELECT id, lane.type, lane.room FROM waiting
                WHERE {SAME_LANE} AND coalesce(owner, 0) = owners.owner ORDER BY id LIMIT least(quota, room)
            ) AS job ORDER BY id LIMIT quota
        ) AS job
    ), placed AS (
        SELECT *, bool_and(fits) OVER (ORDER BY round, place) AS clear FROM found
    ), picked AS (
        SELECT * FROM placed WHERE clear ORDER BY round, place LIMIT (SELECT free FROM places)
    ),
    /* 7. Of these, the jobs that no one else has locked or changed, each looked up by its id. */
    turn AS (
        SELECT picked.* FROM picked, LATERAL (
            SELECT state, released_at FROM jobs_job WHERE id = picked.id FOR NO KEY UPDATE SKIP LOCKED
        ) WHERE state = 'queued' AND released_at IS NULL
    )
    """  # noqa: S608


def remember_turns(turns: str) -> str:
    """CTEs that remember this look for the next one (`jobs.dispatch.positions`), after the steps of WHOSE_TURN.

    `turns` is the CTE with the jobs that come to hold a place.
    """
    return f"""moved AS (
        INSERT INTO jobs_handout (queue, number, last_owner, waiting_from, held)
        SELECT %(queue)s::text, coalesce(number, 0) + 1,
            coalesce((SELECT owner FROM {turns} ORDER BY round DESC, place DESC LIMIT 1), prior.owner),
            coalesce(({OLDEST_WAITING.format(first="(SELECT first FROM prior)")}), first),
            (SELECT ARRAY(SELECT id FROM held UNION ALL SELECT id FROM {turns})
                FROM dials WHERE max_running <= {MOST_REMEMBERED})
        FROM prior LEFT JOIN newest ON true
        WHERE EXISTS (SELECT FROM {turns}) OR (first < waiting_from) IS NOT false
        RETURNING number
    ), replaced AS (
        DELETE FROM jobs_handout WHERE queue = %(queue)s::text AND number = (SELECT number - 1 FROM moved)
    )"""  # noqa: S608


#: With `since`, no more jobs than the queue needs messages for.
AS_MANY_AS_ANSWERED: Final = f"least(%(at_most)s::int, CASE WHEN %(since)s::uuid IS NOT NULL THEN {MORE_MESSAGES} END)"

#: Hand these jobs out. A worker that goes on claims the first one instead (`jobs.worker.statements`).
HAND_OUT: Final = squeeze(
    f"""
    {whose_turn(at_most=AS_MANY_AS_ANSWERED)},
    /* 8. Hand them out, record that in their timelines, and remember the last owner served. */
    released AS (
        UPDATE jobs_job SET released_at = statement_timestamp(), updated_at = statement_timestamp()
        WHERE id IN (SELECT id FROM turn)
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details) SELECT id, 'released', '', '{{}}' FROM turn
    ), {remember_turns("turn")}
    /* 9. For `read_turns`: the jobs, and whether to look again, at this priority or at a lower one. */
    SELECT turn.id, free, top, EXISTS (SELECT FROM placed WHERE NOT clear) AS cut, EXISTS (SELECT FROM lower) AS more
    FROM places CROSS JOIN level LEFT JOIN turn ON true WHERE top IS NOT NULL ORDER BY round, place
    """  # noqa: S608
)


def _needs_message(also: str = "") -> str:
    return f"""
    WITH newest AS MATERIALIZED (
        {NEWEST}
    ), oldest AS MATERIALIZED (
        {OLDEST_WAITING.format(first=FIRST_WAITING)}
    )
    SELECT {also} coalesce(oldest.id IS NOT NULL AND (
        oldest.id < waiting_from
        OR {free_place("SELECT held FROM newest WHERE %(since)s::uuid IS NOT NULL")}
            AND (%(since)s::uuid IS NULL OR {MORE_MESSAGES} > 0)
    ), false) AS answer
    FROM jobs_queue LEFT JOIN oldest ON true LEFT JOIN newest ON true WHERE name = %(queue)s
    """  # noqa: S608


#: Whether a job waits, a place is free and, with `since`, another message is of use; executed without a lock. Also true
#: if none of that holds, but a job waits that is older than what is remembered: a hand-out then remembers that.
NEEDS_MESSAGE: Final = squeeze(_needs_message())

#: The same in a transaction that follows another one, whose commit did not wait for the disk. It writes a record, so
#: its own commit waits until everything that was committed before is on the disk
#: (https://www.postgresql.org/docs/current/wal-async-commit.html).
CONFIRM: Final = squeeze(_needs_message("pg_logical_emit_message(true, 'longhaul', ''),"))


def queue_needs_message(queue: str, *, since: UUID | None = None) -> bool:
    """Whether a job waits, a place is free and, with `since`, another message is of use.

    False can be trusted: this is also called after each commit that ends a job, and then finds jobs that were committed
    while all places were taken.
    """
    return any(row["answer"] for row in fetch_all(NEEDS_MESSAGE, queue=queue, since=since))


def hand_out(queue: str, *, at_most: int, since: UUID | None = None) -> list[UUID]:
    """Mark as released the jobs whose turn is next, as many as may run beside those that hold a place.

    Each look is a transaction in one round trip, so the queue is locked only for as long as PostgreSQL takes.
    `since`: see `jobs.dispatch.positions`.
    """
    # A transaction of the caller also commits other changes, which must reach the disk.
    lock = LOCK if connection.in_atomic_block else LOCK_BRIEFLY
    handed_out: list[UUID] = []
    below: int | None = HIGHEST_PRIORITY
    while below is not None:
        with pipeline():
            execute(lock, queue=queue)
            more = at_most - len(handed_out)
            turns = execute(HAND_OUT, queue=queue, at_most=more, below=below, since=since)
        ids, below = read_turns(turns, below=below)
        handed_out += ids
    return handed_out


def read_turns(turns: CursorWrapper, *, below: int = HIGHEST_PRIORITY) -> tuple[list[UUID], int | None]:
    """The jobs that one look handed out, and below which priority to look again; None if that would find nothing.

    Another look finds jobs if a type became full while places are left, or at a lower priority.
    """
    rows = turns.fetchall()
    ids = [row["id"] for row in rows if row["id"] is not None]
    if not rows or len(ids) >= rows[0]["free"]:
        return ids, None
    if ids and rows[0]["cut"]:
        return ids, below
    return ids, rows[0]["top"] if rows[0]["more"] else None
