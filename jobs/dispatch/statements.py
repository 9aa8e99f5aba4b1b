"""The statements of an order: whether the dials admit it, and the job that it becomes. One round trip each.

All parts of a statement see the same snapshot, and take effect together or not at all.
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Final

from jobs.dispatch.positions import NEWEST, held_jobs
from jobs.models import Job
from jobs.models.queue_conditions import HANDED_OUT_SQL, QUEUED_SQL, SCHEDULED_SQL, WAITING_SQL
from jobs.postgres.statements import columns_of, squeeze

#: The queued jobs of a queue, in the words of the indexes `jobs_job_queued` and `jobs_job_oldest`.
QUEUED: Final = f"queue = %(queue)s::text AND {QUEUED_SQL}"
#: The jobs of one type. Its queued jobs are counted as waiting, handed out and scheduled ones: each has its own index.
OF_TYPE: Final = "queue = %(queue)s::text AND kind = %(kind)s::text AND type = %(type)s::text"

#: Whether the dials of the queue and of the type admit one more job; `jobs.dispatch.admission` knows the verdicts. No
#: row if there is no such queue. Jobs are counted up to the limits, and only with the queue's row `locked`. CASE tests
#: its conditions in order (https://www.postgresql.org/docs/current/functions-conditional.html#FUNCTIONS-CASE).
ADMIT: Final = f"""
    SELECT queue.max_queued AS queue_limit, max_queued_per_owner AS owner_limit, own.max_queued AS type_limit, CASE
        WHEN NOT queue.accepting THEN 'closed'
        WHEN own.accepting IS false THEN 'type-closed'
        WHEN coalesce(queue.max_queued, max_queued_per_owner, own.max_queued) IS NULL THEN 'admitted'
        WHEN NOT %(locked)s::bool THEN 'to-be-locked'
        WHEN queue.max_queued <= (
            SELECT count(*) FROM (SELECT FROM jobs_job WHERE {QUEUED} LIMIT queue.max_queued) AS job
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
    END AS verdict
    FROM jobs_queue AS queue
    LEFT JOIN jobs_typedials AS own ON own.kind = %(kind)s::text AND own.type = %(type)s::text
    WHERE name = %(queue)s::text
"""  # noqa: S608


def free_place(known: str) -> str:
    """Whether the queue has a free place for a job to be handed out; `known` as for `held_jobs`."""
    return f"""
        (NOT paused AND (max_running IS NULL OR max_running > (SELECT count(*) FROM ({held_jobs(known)}) AS held)))
    """  # noqa: S608


#: Admit the job and, if it is admitted, insert it with its callback and search terms; also whether a place is free.
SUBMIT: Final = squeeze(
    f"""
    WITH dials AS MATERIALIZED ({ADMIT}
    ), newest AS MATERIALIZED ({NEWEST}
    ), callback AS (
        SELECT coalesce(%(callback_url)s::text, (
            SELECT nullif(url, '') FROM jobs_callbacksettings
            WHERE %(owners_callback)s::bool AND owner_id = %(owner)s::bigint
        )) AS url
    ), submitted AS (
        INSERT INTO jobs_job (
            id, kind, type, queue, owner, payload, state, priority, scheduled_at, due, calls_back, mails,
            attempt_count, max_attempts, fencing_token, progress_done, progress_percent,
            error_class, error_message, error_fingerprint, idempotency_key, request_fingerprint
        )
        SELECT
            %(job_id)s, %(kind)s::text, %(type)s::text, %(queue)s::text, %(owner)s::bigint, %(payload)s::jsonb,
            'queued', %(priority)s::smallint, %(scheduled_at)s::timestamptz, %(scheduled_at)s::timestamptz IS NULL,
            url IS NOT NULL, %(mails)s::bool, 0, %(max_attempts)s::int, 0, 0, 0,
            '', '', '', %(idempotency_key)s::text, %(request_fingerprint)s::text
        FROM dials, callback WHERE verdict = 'admitted'
        RETURNING *
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'submitted', %(actor)s::text, '{{}}' FROM submitted
    ), asked AS (
        INSERT INTO jobs_callback (job_id, url) SELECT id, url FROM submitted, callback WHERE url IS NOT NULL
    ), found_by AS (
        INSERT INTO jobs_searchterms (job_id, terms)
        SELECT id, %(terms)s::text[] FROM submitted WHERE %(terms)s::text[] <> '{{}}'
    )
    SELECT dials.*, {columns_of(Job, "made")},
        (SELECT {free_place("SELECT held FROM newest")} FROM jobs_queue WHERE name = %(queue)s::text) AS has_place
    FROM dials LEFT JOIN submitted AS made ON true
    """  # noqa: S608
)
