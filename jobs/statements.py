"""The steps of every job's way, each in one statement: what counts when jobs are small and many.

Every line of a statement sees the same snapshot, and all of it happens or nothing. Rarer transitions are
written with Django's ORM, in `jobs.transitions`.
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import psycopg
from django.db import connection
from django.db.models import Field, Model
from psycopg.rows import dict_row

AnyModel = TypeVar("AnyModel", bound=Model)


def run(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run a statement on Django's connection, and return its rows.

    Its parameters are bound by the server, which Django's own cursors do not do; so psycopg prepares it after
    a few times, and PostgreSQL plans it no more (https://www.psycopg.org/psycopg3/docs/advanced/prepare.html).
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection, row_factory=dict_row) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def instance_of(model: type[AnyModel], row: dict[str, Any]) -> AnyModel:
    """A row that holds all columns of a table, as Django would have read it."""
    fields = model._meta.concrete_fields
    values = [_converted(field, row[str(field.column)]) for field in fields]
    return model.from_db(connection.alias, [field.attname for field in fields], values)


def _converted(field: Field[Any, Any], value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return convert(value, None, connection) if convert else value


CLAIM: Final = """
    WITH claimed AS (
        UPDATE jobs_job
        SET state = 'running',
            fencing_token = fencing_token + 1,
            attempt_count = attempt_count + 1,
            lease_expires_at = statement_timestamp() + make_interval(secs => %(lease_seconds)s::float),
            progress_done = 0,
            progress_total = NULL,
            started_at = statement_timestamp(),
            updated_at = statement_timestamp()
        WHERE id = %(job_id)s AND state = 'queued' AND released_at IS NOT NULL
        RETURNING *
    ), attempt AS (
        INSERT INTO jobs_attempt (
            job_id, number, fencing_token, worker, celery_task_id, started_at,
            outcome, error_class, error_message, error_fingerprint, traceback
        )
        SELECT
            id, fencing_token, fencing_token, %(worker)s::text, %(celery_task_id)s::text, started_at, '', '', '', '', ''
        FROM claimed
        RETURNING id
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'started', '', jsonb_build_object('attempt', fencing_token, 'worker', %(worker)s::text) FROM claimed
    )
    SELECT claimed.*, attempt.id AS attempt_id FROM claimed, attempt
"""

FINISH: Final = """
    WITH done AS (
        UPDATE jobs_job
        SET state = 'succeeded',
            result = %(result)s::jsonb,
            progress_done = %(rows)s::bigint,
            progress_total = %(rows)s::bigint,
            progress_percent = 100,
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
            bytes = %(bytes)s::bigint,
            peak_memory_bytes = %(peak_memory_bytes)s::bigint
        WHERE id = %(attempt_id)s AND outcome = '' AND EXISTS (SELECT FROM done)
    ), told AS (
        INSERT INTO jobs_event (job_id, name, actor, details)
        SELECT id, 'completed', '', jsonb_build_object('attempt', %(number)s::int, 'rows', %(rows)s::bigint) FROM done
    )
    SELECT id FROM done
"""
