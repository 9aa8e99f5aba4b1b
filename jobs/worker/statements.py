"""The statements that every attempt runs: claim and finish, one round trip each.

All parts of a statement see the same snapshot, and they succeed or fail together. Rarer transitions use the ORM, in
`jobs.worker.transitions`. https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Final

from jobs.models import Job
from jobs.postgres.statements import columns_of

CLAIM: Final = f"""
    WITH claimed AS (
        UPDATE jobs_job
        SET state = 'running',
            fencing_token = fencing_token + 1,
            attempt_count = attempt_count + 1,
            lease_expires_at = statement_timestamp() + make_interval(secs => %(lease_seconds)s::float),
            progress_done = 0,
            progress_total = NULL,
            progress_rate = NULL,
            progress_began_at = NULL,
            progress_samples = NULL,
            progress_details = NULL,
            started_at = statement_timestamp(),
            updated_at = statement_timestamp()
        WHERE id = %(job_id)s AND state = 'queued' AND released_at IS NOT NULL
        RETURNING *
    ), attempt AS (
        INSERT INTO jobs_attempt (
            job_id, number, fencing_token, worker, process_id, celery_task_id, started_at,
            outcome, error_class, error_message, error_fingerprint, traceback
        )
        SELECT
            id, fencing_token, fencing_token, %(worker)s::text, %(process_id)s::int, %(celery_task_id)s::text,
            started_at, '', '', '', '', ''
        FROM claimed
        RETURNING id
    ), event AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'started', '', jsonb_build_object('attempt', fencing_token, 'worker', %(worker)s::text) FROM claimed
    )
    SELECT {columns_of(Job, "claimed")}, attempt.id AS attempt_id FROM claimed, attempt
"""  # noqa: S608


FINISH: Final = """
    WITH done AS (
        UPDATE jobs_job
        SET state = 'succeeded',
            result = %(result)s::jsonb,
            progress_done = %(rows)s::bigint,
            progress_total = %(rows)s::bigint,
            progress_percent = 100,
            progress_samples = NULL,
            lease_expires_at = NULL,
            released_at = NULL,
            finished_at = statement_timestamp(),
            updated_at = statement_timestamp(),
            error_class = '',
            error_message = '',
            error_fingerprint = ''
        WHERE id = %(job_id)s AND state = 'running' AND fencing_token = %(fencing_token)s
        RETURNING id
    ), ended AS (
        UPDATE jobs_attempt
        SET outcome = 'succeeded',
            finished_at = statement_timestamp(),
            rows = %(rows)s::bigint,
            rows_expected = (SELECT progress_total FROM jobs_job WHERE id = %(job_id)s),
            bytes = %(bytes)s::bigint,
            peak_memory_bytes = %(peak_memory_bytes)s::bigint
        WHERE id = %(attempt_id)s AND outcome = '' AND EXISTS (SELECT FROM done)
    ), event AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'completed', '', jsonb_build_object('attempt', %(number)s::int, 'rows', %(rows)s::bigint) FROM done
    )
    SELECT id FROM done
"""
