"""Counts of ended attempts: per minute, for charts, and in total, for Prometheus; durations of each type's latest ones.

A sweep counts them, so that a page that shows a day does not read a day's attempts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.utils.dateparse import parse_datetime

from jobs.kinds import inspector_of, kind_names
from jobs.maintenance.sweeping import sweep
from jobs.models import Sweep
from jobs.models.statistics import DURATION_BOUNDS, ROWS_BOUNDS

#: How long the counts per minute are kept, and how far back the first count reaches.
KEPT: Final = timedelta(days=8)

#: The time before which all ends of attempts are visible. An attempt ends at the time of its statement, so an end that
#: is still invisible is later than the start of the oldest writing transaction, or, if its statement has not written
#: anything yet, than five seconds ago. A transaction that has been open for ten minutes ends no attempt.
SETTLED_UNTIL: Final = """
    SELECT now(), greatest(now() - interval '10 minutes', least(now() - interval '5 seconds', min(xact_start)))
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""

#: How many attempts of each type are kept: few enough that a slowdown shows soon.
ATTEMPTS_KEPT: Final = 50

#: The part of `COUNT` that keeps them. Only successful attempts show how long an attempt takes.
KEEP_RECENT: Final = """
    runs AS (
        INSERT INTO jobs_recentruns AS known (kind, type, seconds, rows, rows_expected, bytes)
        SELECT kind, type,
            (array_agg(seconds ORDER BY finished_at DESC))[:%(attempts_kept)s],
            (array_agg(rows ORDER BY finished_at DESC))[:%(attempts_kept)s],
            (array_agg(rows_expected ORDER BY finished_at DESC))[:%(attempts_kept)s],
            (array_agg(bytes ORDER BY finished_at DESC))[:%(attempts_kept)s]
        FROM ended WHERE outcome = 'succeeded' GROUP BY 1, 2
        ON CONFLICT (kind, type) DO UPDATE SET
            seconds = (EXCLUDED.seconds || known.seconds)[:%(attempts_kept)s],
            rows = (EXCLUDED.rows || known.rows)[:%(attempts_kept)s],
            rows_expected = (EXCLUDED.rows_expected || known.rows_expected)[:%(attempts_kept)s],
            bytes = (EXCLUDED.bytes || known.bytes)[:%(attempts_kept)s]
    )
"""

#: Reads the attempts that ended since the last count once, for all four tables.
COUNT: Final = f"""
    WITH ended AS MATERIALIZED (
        SELECT job.queue, job.kind, CASE WHEN job.kind = ANY(%(in_one)s) THEN '' ELSE job.type END AS type,
            outcome, attempt.finished_at, coalesce(rows, 0) AS rows, coalesce(bytes, 0) AS bytes, conditions,
            rows_expected, extract(epoch FROM attempt.finished_at - attempt.started_at)::float AS seconds
        FROM jobs_attempt AS attempt JOIN jobs_job AS job ON job.id = attempt.job_id
        WHERE attempt.finished_at >= %(since)s AND attempt.finished_at < %(until)s
    ), minutes AS (
        INSERT INTO jobs_activity AS known (minute, queue, outcome, attempts, seconds, rows)
        SELECT date_trunc('minute', finished_at), queue, outcome, count(*), sum(seconds), sum(rows)
        FROM ended GROUP BY 1, 2, 3
        ON CONFLICT (minute, queue, outcome) DO UPDATE SET
            attempts = known.attempts + EXCLUDED.attempts,
            seconds = known.seconds + EXCLUDED.seconds,
            rows = known.rows + EXCLUDED.rows
    ), totals AS (
        INSERT INTO jobs_attempttotal AS known
            (queue, kind, type, outcome, duration_bucket, rows_bucket, attempts, seconds, rows)
        SELECT queue, kind, type, outcome,
            (SELECT count(*) FROM unnest(%(duration_bounds)s::float[]) AS bound WHERE bound < seconds),
            (SELECT count(*) FROM unnest(%(rows_bounds)s::float[]) AS bound WHERE bound < rows),
            count(*), sum(seconds), sum(rows)
        FROM ended GROUP BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (queue, kind, type, outcome, duration_bucket, rows_bucket) DO UPDATE SET
            attempts = known.attempts + EXCLUDED.attempts,
            seconds = known.seconds + EXCLUDED.seconds,
            rows = known.rows + EXCLUDED.rows
    ), decisions AS (
        INSERT INTO jobs_decisiontotal AS known (queue, kind, type, decision, times)
        SELECT queue, kind, type, key, sum(value::bigint)
        FROM ended, jsonb_each_text(conditions -> 'decisions') GROUP BY 1, 2, 3, 4
        ON CONFLICT (queue, kind, type, decision) DO UPDATE SET times = known.times + EXCLUDED.times
    ), {KEEP_RECENT}
    SELECT count(*) FROM ended
"""  # noqa: S608


def count_attempts(position: str) -> tuple[int, str]:
    """Count the attempts that ended since `position`, which the last count returned; each attempt once.

    Returns their number and the next position, which the caller must store in the same transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SETTLED_UNTIL)
        [(now, until)] = cursor.fetchall()
        oldest = now - KEPT
        since = max(parse_datetime(position) or oldest if position else oldest, oldest)
        until = max(since, until)
        bounds = {"duration_bounds": list(DURATION_BOUNDS), "rows_bounds": list(ROWS_BOUNDS)}
        in_one = [name for name in kind_names() if not inspector_of(name).types_are_counted]
        limits = {"since": since, "until": until, "in_one": in_one, "attempts_kept": ATTEMPTS_KEPT, **bounds}
        cursor.execute(COUNT, limits)
        [(counted,)] = cursor.fetchall()
        cursor.execute("DELETE FROM jobs_activity WHERE minute < %s", [oldest])
    return counted, until.isoformat()


@sweep(every_seconds=15)
def count_activity() -> int:
    """Count the attempts that ended since the last run, for charts, rates and Prometheus."""
    row = Sweep.objects.filter(name="count_activity")
    with transaction.atomic():
        counted, position = count_attempts(row.values_list("position", flat=True).first() or "")
        row.update(position=position)
    return counted
