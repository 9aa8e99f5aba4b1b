"""The statements of an order: whether the dials admit it, the job that it becomes, and whether its turn is now.

All parts of a statement see the same snapshot, and take effect together or not at all.
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Final

from jobs.models.queue_conditions import HANDED_OUT_SQL, QUEUED_SQL, RUNNING_SQL, SCHEDULED_SQL, WAITING_SQL
from jobs.postgres.statements import squeeze

#: The queued jobs of a queue, in the words of the indexes `jobs_job_queued` and `jobs_job_oldest`.
QUEUED: Final = f"queue = %(queue)s::text AND {QUEUED_SQL}"
#: The jobs of one type. Its queued jobs are counted as waiting, handed out and scheduled ones: each has its own index.
OF_TYPE: Final = "queue = %(queue)s::text AND kind = %(kind)s::text AND type = %(type)s::text"

#: The limits that a refusal names, and the dials of the queue, with those of the type if it has its own.
LIMITS: Final = """
    jobs_queue.max_queued AS queue_limit, max_queued_per_owner AS owner_limit, own.max_queued AS type_limit
"""
DIALS: Final = """
    FROM jobs_queue LEFT JOIN jobs_typedials AS own ON own.kind = %(kind)s::text AND own.type = %(type)s::text
    WHERE name = %(queue)s::text
"""
#: The first conditions of a verdict, for which no job is counted. CASE tests its conditions in order
#: (https://www.postgresql.org/docs/current/functions-conditional.html#FUNCTIONS-CASE).
UNCOUNTED: Final = """
    WHEN NOT jobs_queue.accepting THEN 'closed'
    WHEN own.accepting IS false THEN 'type-closed'
    WHEN coalesce(jobs_queue.max_queued, max_queued_per_owner, own.max_queued) IS NULL THEN 'admitted'
"""

#: Whether the dials of the queue and of the type admit one more job; `jobs.dispatch.admission` knows the verdicts. No
#: row if there is no such queue. Jobs are counted up to the limits, which is exact with the queue's row locked.
ADMIT: Final = f"""
    SELECT {LIMITS}, CASE {UNCOUNTED}
        WHEN jobs_queue.max_queued <= (
            SELECT count(*) FROM (SELECT FROM jobs_job WHERE {QUEUED} LIMIT jobs_queue.max_queued) AS job
        ) THEN 'queue-full'
        WHEN own.max_queued <= (
            SELECT count(*) FROM (
                (SELECT FROM jobs_job WHERE {OF_TYPE} AND {WAITING_SQL} LIMIT own.max_queued)
                UNION ALL
                (SELECT FROM jobs_job WHERE {OF_TYPE} AND {HANDED_OUT_SQL} LIMIT own.max_queued)
                UNION ALL
                (SELECT FROM jobs_job WHERE {OF_TYPE} AND {SCHEDULED_SQL} LIMIT own.max_queued)
            ) AS job
        ) THEN 'type-full'
        WHEN %(owner)s::bigint IS NOT NULL AND max_queued_per_owner <= (
            SELECT count(*) FROM (
                SELECT FROM jobs_job WHERE {QUEUED} AND owner = %(owner)s::bigint LIMIT max_queued_per_owner
            ) AS job
        ) THEN 'owner-full'
        ELSE 'admitted'
    END AS verdict {DIALS}
"""  # noqa: S608

#: Where waiting is limited, COUNT comes before SUBMIT, with the queue's row locked, and leaves the verdict about this
#: job in a setting that ends with the transaction.
COUNT: Final = squeeze(
    f"""
    SELECT set_config('longhaul.verdict', concat_ws(' ', %(id)s::uuid, verdict), true) FROM ({ADMIT}) AS admission
    """  # noqa: S608
)
COUNTED: Final = "substring(current_setting('longhaul.verdict', true), concat(%(id)s::uuid, ' (.*)'))"

#: Whether the queue has a free place for a job to be handed out.
FREE_PLACE: Final = f"""
    NOT jobs_queue.paused AND (jobs_queue.max_running IS NULL OR jobs_queue.max_running > (
        SELECT count(*) FROM jobs_job WHERE queue = %(queue)s AND {RUNNING_SQL}
    ) + (
        SELECT count(*) FROM jobs_job WHERE queue = %(queue)s AND {HANDED_OUT_SQL}
    ))
"""  # noqa: S608
#: The type of a waiting job; NULL if none waits. ORDER BY makes the planner use the index, whatever the statistics.
ANY_WAITING: Final = f"(SELECT type FROM jobs_job WHERE queue = %(queue)s AND {WAITING_SQL} ORDER BY type LIMIT 1)"  # noqa: S608

#: Locks the row of the queue if a place seems free, for a job whose turn may be now, and says so in a setting that ends
#: with the transaction. It does not wait for a transaction that holds the row: then the job is handed out afterwards.
#: The commit does not wait for the disk, since CONFIRM does: the lock is held for as long as PostgreSQL takes. (Columns
#: are computed before rows are locked, so the setting stands outside of the query that locks.)
LOCK_FOR_TURN: Final = squeeze(
    f"""
    SELECT set_config('synchronous_commit', 'off', true), (
        SELECT set_config('longhaul.queue', name, true) FROM (
            SELECT name FROM jobs_queue WHERE name = %(queue)s::text AND {FREE_PLACE} FOR UPDATE SKIP LOCKED
        ) AS locked
    )
    """  # noqa: S608
)
#: The same where jobs must be counted: it waits for the lock.
LOCK_TO_COUNT: Final = """
    SELECT set_config('synchronous_commit', 'off', true), set_config('longhaul.queue', name, true)
    FROM (SELECT name FROM jobs_queue WHERE name = %(queue)s::text FOR UPDATE) AS locked
"""
IS_LOCKED: Final = "current_setting('longhaul.queue', true) = %(queue)s::text"

#: In the next transaction: it writes a record, so its commit waits until everything that was committed before is on the
#: disk (https://www.postgresql.org/docs/current/wal-async-commit.html). It also finds out whether a job waits and a
#: place is free: one may have become free before the job was visible.
CONFIRM: Final = squeeze(
    f"""
    SELECT pg_logical_emit_message(true, 'longhaul', ''), {FREE_PLACE} AND {ANY_WAITING} IS NOT NULL AS has_turn
    FROM jobs_queue WHERE name = %(queue)s::text
    """  # noqa: S608
)

#: Admit the job and, if it is admitted, insert it with its callback and search terms. If the row of the queue is locked
#: for that, no job waits, and the dials let this one run beside those that hold a place, its turn is now, as HAND_OUT
#: of `jobs.dispatch.fairness` would decide: it is handed out at once. Also whether a place is free.
SUBMIT: Final = squeeze(
    f"""
    WITH dials AS MATERIALIZED (
        SELECT {LIMITS}, CASE {UNCOUNTED} ELSE coalesce({COUNTED}, 'to-be-locked') END AS verdict,
            {FREE_PLACE} AS has_place, own.paused, max_running_per_owner,
            coalesce(own.max_running, max_running_per_type) AS max_running_of_type
        {DIALS}
    ), held AS (
        SELECT owner, type FROM jobs_job WHERE queue = %(queue)s AND {RUNNING_SQL}
        UNION ALL
        SELECT owner, type FROM jobs_job WHERE queue = %(queue)s AND {HANDED_OUT_SQL}
    ), turn AS (
        SELECT {IS_LOCKED} AND has_place AND paused IS NOT true AND %(due)s::bool AND {ANY_WAITING} IS NULL
            AND (max_running_of_type > (SELECT count(*) FROM held WHERE type = %(type)s::text)) IS NOT false
            AND (%(owner)s::bigint IS NULL OR max_running_per_owner > (
                SELECT count(*) FROM held WHERE owner = %(owner)s::bigint
            )) IS NOT false AS is_now
        FROM dials
    ), callback AS (
        SELECT coalesce(%(callback_url)s::text, (
            SELECT nullif(url, '') FROM jobs_callbacksettings
            WHERE %(owners_callback)s::bool AND owner_id = %(owner)s::bigint
        )) AS url
    ), submitted AS (
        INSERT INTO jobs_job (
            id, kind, type, queue, owner, payload, state, priority, scheduled_at, due, released_at, calls_back, mails,
            attempt_count, max_attempts, fencing_token, progress_done, progress_percent,
            error_class, error_message, error_fingerprint, idempotency_key, request_fingerprint
        )
        SELECT
            %(id)s::uuid, %(kind)s::text, %(type)s::text, %(queue)s::text, %(owner)s::bigint, %(payload)s::jsonb,
            'queued', %(priority)s::smallint, %(scheduled_at)s::timestamptz, %(due)s::bool,
            CASE WHEN is_now THEN statement_timestamp() END, url IS NOT NULL, %(mails)s::bool,
            0, %(max_attempts)s::int, 0, 0, 0, '', '', '', %(idempotency_key)s::text, %(request_fingerprint)s::text
        FROM dials, turn, callback WHERE verdict = 'admitted'
        RETURNING *
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, name, by, '{{}}'
        FROM submitted, (VALUES ('submitted', %(actor)s::text), ('released', '')) AS line (name, by)
        WHERE name = 'submitted' OR released_at IS NOT NULL ORDER BY name DESC
    ), moved AS (
        UPDATE jobs_queue SET last_owner = coalesce(owner, 0) FROM submitted
        WHERE name = queue AND released_at IS NOT NULL AND last_owner <> coalesce(owner, 0)
    ), asked AS (
        INSERT INTO jobs_callback (job_id, url) SELECT id, url FROM submitted, callback WHERE calls_back
    ), found_by AS (
        INSERT INTO jobs_searchterms (job_id, terms)
        SELECT id, %(terms)s::text[] FROM submitted WHERE %(terms)s::text[] <> '{{}}'
    )
    SELECT dials.*, created_at, released_at, calls_back FROM dials LEFT JOIN submitted ON true
    """  # noqa: S608
)
