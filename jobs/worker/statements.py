"""The statements that every attempt runs: claim, beat and finish, one round trip each.

All parts of a statement see the same snapshot, and they succeed or fail together. Rarer transitions use the ORM, in
`jobs.worker.transitions`. https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth import get_user_model

from jobs.dispatch.doorbells import MORE_MESSAGES
from jobs.dispatch.fairness import remember_turns, whose_turn
from jobs.models import Job
from jobs.postgres.statements import columns_of, squeeze

#: The model of owners. A claim returns the owner, too, because most handlers ask for it: its columns have a prefix.
OWNER: Final = get_user_model()
OWNER_PREFIX: Final = "owner_"


def by_id(condition: str) -> str:
    """The condition, for a row that is found by its id.

    PostgreSQL would prefer a small partial index with this condition, and read all jobs that are in it.
    """
    return f"coalesce({condition}, false)"


#: What a claim changes of a job.
_CLAIMED: Final = """
    state = 'running',
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
"""

#: The attempt that a claim begins.
_ATTEMPT: Final = """
    attempt AS (
        INSERT INTO jobs_attempt (
            job_id, number, fencing_token, worker, process_id, celery_task_id, started_at,
            outcome, error_class, error_message, error_fingerprint, traceback
        )
        SELECT
            id, fencing_token, fencing_token, %(worker)s::text, %(process_id)s::int, %(celery_task_id)s::text,
            started_at, '', '', '', '', ''
        FROM claimed
        RETURNING id
    )
"""

_STARTED: Final = "jsonb_build_object('attempt', fencing_token, 'worker', %(worker)s::text)"
_COLUMNS: Final = (
    f"{columns_of(Job, 'claimed')}, {columns_of(OWNER, 'owner', prefix=OWNER_PREFIX)}, attempt.id AS attempt_id"
)
_OWNER_OF_CLAIMED: Final = f"{OWNER._meta.db_table} AS owner ON owner.{OWNER._meta.pk.column} = claimed.owner"

#: Claim a job that was handed out.
CLAIM: Final = squeeze(f"""
    WITH claimed AS (
        UPDATE jobs_job SET {_CLAIMED} WHERE id = %(job_id)s AND {by_id("state = 'queued'")} AND released_at IS NOT NULL
        RETURNING *
    ), {_ATTEMPT}, event AS (
        INSERT INTO jobs_event (job_id, name, actor, details) SELECT id, 'started', '', {_STARTED} FROM claimed
    )
    SELECT {_COLUMNS} FROM claimed CROSS JOIN attempt LEFT JOIN {_OWNER_OF_CLAIMED}
""")  # noqa: S608

#: Hand out the job whose turn is next, and claim it at once. Hand out up to `ahead` jobs that follow, too, if all are
#: of the type `alike`: the worker claims these one after the other. One row: the job, or NULL if none has its
#: turn; the ids of the others; whether those were all; and whether further jobs may be handed out with messages. For
#: the last two it looks for one more job.
CLAIM_NEXT: Final = squeeze(f"""
    {whose_turn(at_most="(%(ahead)s::int + 2)")},
    /* 8. Claim the first job, hand out those that follow, tell their timelines, and remember the last owner served. */
    ranked AS (
        SELECT id, owner, round, place, row_number() OVER turns AS rank,
            bool_and(type = %(alike)s::text) OVER turns AS alike
        FROM turn WINDOW turns AS (ORDER BY round, place)
    ), taken AS (
        SELECT * FROM ranked WHERE rank = 1 OR rank <= %(ahead)s::int + 1 AND alike
    ), claimed AS (
        UPDATE jobs_job SET released_at = statement_timestamp(), {_CLAIMED}
        WHERE id = (SELECT id FROM taken WHERE rank = 1)
        RETURNING *
    ), reserved AS (
        UPDATE jobs_job SET released_at = statement_timestamp(), updated_at = statement_timestamp()
        WHERE id IN (SELECT id FROM taken WHERE rank > 1)
    ), {_ATTEMPT}, told AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'released', '', '{{}}' FROM taken
        UNION ALL
        SELECT id, 'started', '', {_STARTED} FROM claimed
    ), {remember_turns("taken")}
    /* 9. The jobs, and whether another look would find more: a place is left, further jobs wait, and few messages. */
    SELECT {_COLUMNS}, ARRAY(SELECT id FROM taken WHERE rank > 1 ORDER BY rank) AS reserved,
        (SELECT count(*) FROM turn) < free AND NOT EXISTS (SELECT FROM lower) AS were_all,
        free > (SELECT count(*) FROM taken) AND {MORE_MESSAGES} > 0 AND (
            (SELECT count(*) FROM turn) > (SELECT count(*) FROM taken) OR EXISTS (SELECT FROM lower)
            OR claimed.id IS NOT NULL AND EXISTS (SELECT FROM placed WHERE NOT clear)
        ) AS more
    FROM places LEFT JOIN (claimed CROSS JOIN attempt) ON true LEFT JOIN {_OWNER_OF_CLAIMED}
""")  # noqa: S608


#: For all attempts of a process at once. `beats` is a JSON array of objects; what an object leaves out is NULL. With
#: `lease` (seconds), the lease is renewed; with `done`, the progress is written. A row is locked only if one of both is
#: to be written, and passed over if it is locked already. The answer has a row for each object: its state is NULL if
#: the job has another fencing token.
BEAT: Final = squeeze("""
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(%(beats)s::jsonb) AS beat (
            job uuid, token bigint, lease float, done bigint, total bigint, percent smallint, details jsonb,
            rate float, began float, samples bigint[], milestone int, number int, attempt bigint, memory bigint
        )
    ), free AS (
        SELECT job.id, asked.token
        FROM asked JOIN jobs_job AS job ON job.id = asked.job
        WHERE coalesce(asked.lease, asked.done) IS NOT NULL
            AND job.state = 'running' AND job.fencing_token = asked.token
        FOR NO KEY UPDATE OF job SKIP LOCKED
    ), written AS (
        UPDATE jobs_job AS job
        SET lease_expires_at = coalesce(
                statement_timestamp() + make_interval(secs => asked.lease), job.lease_expires_at
            ),
            progress_done = coalesce(asked.done, job.progress_done),
            progress_total = CASE WHEN asked.done IS NULL THEN job.progress_total ELSE asked.total END,
            progress_percent = greatest(job.progress_percent, asked.percent),
            progress_details = CASE WHEN asked.done IS NULL THEN job.progress_details ELSE asked.details END,
            progress_rate = CASE WHEN asked.began IS NULL THEN job.progress_rate ELSE asked.rate END,
            progress_began_at = coalesce(
                statement_timestamp() - make_interval(secs => asked.began), job.progress_began_at
            ),
            progress_samples = coalesce(asked.samples, job.progress_samples),
            updated_at = statement_timestamp()
        FROM asked, free
        WHERE job.id = free.id AND asked.job = free.id AND asked.token = free.token
            AND job.state = 'running' AND job.fencing_token = asked.token
        RETURNING job.id, asked.token
    ), event AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'progress', '', jsonb_build_object(
            'attempt', asked.number, 'percent', asked.milestone, 'rows', asked.done
        )
        FROM written JOIN asked ON asked.job = written.id AND asked.token = written.token
        WHERE asked.milestone IS NOT NULL
    ), grown AS (
        SELECT attempt.id, asked.memory
        FROM asked JOIN jobs_attempt AS attempt ON attempt.id = asked.attempt
        WHERE attempt.outcome = ''
        FOR NO KEY UPDATE OF attempt SKIP LOCKED
    ), measured AS (
        UPDATE jobs_attempt AS attempt
        SET peak_memory_bytes = grown.memory
        FROM grown
        WHERE attempt.id = grown.id AND attempt.outcome = ''
    )
    SELECT asked.job, asked.token, job.state, job.cancel_requested_at IS NOT NULL AS cancel_requested,
        written.id IS NOT NULL AS is_written
    FROM asked
    LEFT JOIN jobs_job AS job ON job.id = asked.job AND job.fencing_token = asked.token
    LEFT JOIN written ON written.id = asked.job AND written.token = asked.token
""")


_FINISH: Final = f"""
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
        WHERE id = %(job_id)s AND {by_id("state = 'running'")} AND fencing_token = %(fencing_token)s
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
"""  # noqa: S608

#: Finish a job. No row if the attempt does not own it.
FINISH: Final = squeeze(f"{_FINISH} SELECT id FROM done")  # noqa: S608

#: The same before other statements of the transaction: if the attempt does not own the job, it fails, and none of them
#: takes effect.
FINISH_OR_FAIL: Final = squeeze(f"{_FINISH} SELECT 1 / count(*) FROM done")  # noqa: S608
