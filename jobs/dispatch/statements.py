"""The statements of an order: whether the dials admit it, the job that it becomes, and whether its turn is now.

All parts of a statement see the same snapshot, and take effect together or not at all.
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Final

from jobs.dispatch.doorbells import MORE_MESSAGES
from jobs.dispatch.positions import MOST_REMEMBERED, NEWEST, OLDEST_WAITING, held_jobs
from jobs.models.queue_conditions import HANDED_OUT_SQL, QUEUED_SQL, SCHEDULED_SQL, WAITING_SQL
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


def free_place(known: str) -> str:
    """Whether the queue has a free place for a job to be handed out; `known` as for `held_jobs`."""
    return f"""
        (NOT jobs_queue.paused AND (jobs_queue.max_running IS NULL OR jobs_queue.max_running > (
            SELECT count(*) FROM ({held_jobs(known)}) AS held
        )))
    """  # noqa: S608


#: Locks the row of the queue if a place seems free and another message is of use, for a job whose turn may be now, and
#: says so in a setting that ends with the transaction. It does not wait for a transaction that holds the row: then the
#: job is handed out afterwards. The commit does not wait for the disk, since CONFIRM does: the lock is held for as long
#: as PostgreSQL takes. (Columns are computed before rows are locked, so the setting stands outside of the query that
#: locks.)
LOCK_FOR_TURN: Final = squeeze(
    f"""
    SELECT set_config('synchronous_commit', 'off', true), (
        SELECT set_config('longhaul.queue', name, true) FROM (
            SELECT name FROM jobs_queue
            WHERE name = %(queue)s::text AND {MORE_MESSAGES} > 0
                AND {free_place(f"SELECT held FROM ({NEWEST}) AS newest")}
            FOR UPDATE SKIP LOCKED
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

#: From where waiting jobs are looked for when this one is submitted. If none is found, none waits before this one.
OWN_FIRST: Final = """
    SELECT coalesce((SELECT least(waiting_from, %(id)s::uuid) FROM newest), '00000000-0000-0000-0000-000000000000')
"""


def _submit(*, dials: str, turn: str = "SELECT false AS is_now", moved: str = "") -> str:
    """Admit the job and, if it is admitted, insert it with its events, callback and search terms.

    `dials` is the query for the verdict, `turn` says whether the job `is_now` handed out, and `moved` remembers that.
    """
    return f"""
    dials AS MATERIALIZED (
        {dials}
    ), turn AS (
        {turn}
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
    ), {moved} asked AS (
        INSERT INTO jobs_callback (job_id, url) SELECT id, url FROM submitted, callback WHERE calls_back
    ), found_by AS (
        INSERT INTO jobs_searchterms (job_id, terms)
        SELECT id, %(terms)s::text[] FROM submitted WHERE %(terms)s::text[] <> '{{}}'
    )
    SELECT dials.*, created_at, released_at, calls_back FROM dials LEFT JOIN submitted ON true
    """  # noqa: S608


#: The verdict, whether a place is free and another message is of use, and the dials that a turn depends on.
_VERDICT_AND_PLACES: Final = f"""
    SELECT {LIMITS}, CASE {UNCOUNTED} ELSE coalesce({COUNTED}, 'to-be-locked') END AS verdict,
        NOT jobs_queue.paused AND (
            jobs_queue.max_running IS NULL OR jobs_queue.max_running > (SELECT count(*) FROM held)
        ) AND {MORE_MESSAGES} > 0 AS has_place,
        own.paused, jobs_queue.max_running, max_running_per_owner,
        coalesce(own.max_running, max_running_per_type) AS max_running_of_type
    {DIALS}
"""  # noqa: S608
_TURN: Final = f"""
    SELECT {IS_LOCKED} AND has_place AND paused IS NOT true AND %(due)s::bool
        AND NOT EXISTS ({OLDEST_WAITING.format(first=f"({OWN_FIRST})")})
        AND (max_running_of_type IS NULL OR max_running_of_type > (
            SELECT count(*) FROM held WHERE type = %(type)s::text
        ))
        AND (%(owner)s::bigint IS NULL OR max_running_per_owner IS NULL OR max_running_per_owner > (
            SELECT count(*) FROM held WHERE owner = %(owner)s::bigint
        )) AS is_now
    FROM dials
"""  # noqa: S608
_MOVED: Final = f"""
    moved AS (
        INSERT INTO jobs_handout (queue, number, last_owner, waiting_from, held)
        SELECT queue, coalesce((SELECT number FROM newest), 0) + 1, coalesce(owner, 0), id,
            (SELECT ARRAY(SELECT id FROM held UNION ALL SELECT submitted.id)
                FROM dials WHERE max_running <= {MOST_REMEMBERED})
        FROM submitted WHERE released_at IS NOT NULL
        RETURNING number
    ), replaced AS (
        DELETE FROM jobs_handout WHERE queue = %(queue)s::text AND number = (SELECT number - 1 FROM moved)
    ),
"""  # noqa: S608

#: Admit the job and insert it. If the row of the queue is locked for that, no job waits, and the dials let this one run
#: beside those that hold a place, its turn is now, as HAND_OUT of `jobs.dispatch.fairness` would decide: it is handed
#: out at once. Also whether a place is free.
SUBMIT: Final = squeeze(
    f"""
    WITH newest AS MATERIALIZED (
        {NEWEST}
    ), held AS MATERIALIZED (
        {held_jobs("SELECT held FROM newest")}
    ), {_submit(dials=_VERDICT_AND_PLACES, turn=_TURN, moved=_MOVED)}
    """  # noqa: S608
)

_VERDICT: Final = f"SELECT {LIMITS}, CASE {UNCOUNTED} ELSE 'to-be-locked' END AS verdict {DIALS}"

#: Admit the job and insert it as one that waits.
SUBMIT_WAITING: Final = squeeze(f"WITH {_submit(dials=_VERDICT)}")
