"""How many attempts ended: per minute, for charts; in all, for Prometheus; and how long each type's newest took.

Counted by a sweep, so that a page that shows a day does not read a day's attempts.
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

#: As far back as the first count reaches, and as long as minutes are kept.
KEPT: Final = timedelta(days=8)

#: Until when no attempt can end any more that is not seen yet: attempts end by the time of a statement, so not before
#: the transactions that are writing now began, nor before a statement that is about to write. Somebody who has kept a
#: transaction open for ten minutes ends no attempt.
SETTLED_UNTIL: Final = """
    SELECT now(), greatest(now() - interval '10 minutes', least(now() - interval '5 seconds', min(xact_start)))
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""

#: Attempts that are kept of each type: few enough that a slowdown shows soon.
ATTEMPTS_KEPT: Final = 50

#: The part of `COUNT` that keeps them. Only successful attempts show how long one takes.
KEEP_RECENT: Final = """
    runs AS (
        INSERT INTO jobs_recentruns AS known (kind, type, seconds, rows, rows_expected)
        SELECT kind, type,
            (array_agg(seconds ORDER BY finished_at DESC))[:%(attempts_kept)s],
            (array_agg(rows ORDER BY finished_at DESC))[:%(attempts_kept)s],
            (array_agg(rows_expected ORDER BY finished_at DESC))[:%(attempts_kept)s]
        FROM ended WHERE outcome = 'succeeded' GROUP BY 1, 2
        ON CONFLICT (kind, type) DO UPDATE SET
            seconds = (EXCLUDED.seconds || known.seconds)[:%(attempts_kept)s],
            rows = (EXCLUDED.rows || known.rows)[:%(attempts_kept)s],
            rows_expected = (EXCLUDED.rows_expected || known.rows_expected)[:%(attempts_kept)s]
    )
"""

#: One look at what has ended since the last, for all four tables.
COUNT: Final = f"""
    WITH ended AS MATERIALIZED (
        SELECT job.queue, job.kind, CASE WHEN job.kind = ANY(%(in_one)s) THEN '' ELSE job.type END AS type,
            outcome, attempt.finished_at, coalesce(rows, 0) AS rows, conditions, rows_expected,
            extract(epoch FROM attempt.finished_at - attempt.started_at)::float AS seconds
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
    """Count the attempts that ended since `position`, the time that the last count returned; each once.

    Returns how many there were, and the next position, which is to be kept in the caller's transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SETTLED_UNTIL)
        [(now, until)] = cursor.fetchall()
        oldest = now - KEPT
        since = max(parse_datetime(position) or oldest if position else oldest, oldest)
        until = max(since, until)
        bounds = {"duration_bounds": list(DURATION_BOUNDS), "rows_bounds": list(ROWS_BOUNDS)}
        in_one = [name for name in kind_names() if not inspector_of(name).types_are_counted]
        asked = {"since": since, "until": until, "in_one": in_one, "attempts_kept": ATTEMPTS_KEPT, **bounds}
        cursor.execute(COUNT, asked)
        [(counted,)] = cursor.fetchall()
        cursor.execute("DELETE FROM jobs_activity WHERE minute < %s", [oldest])
    return counted, until.isoformat()


@sweep(every_seconds=15)
def count_activity() -> int:
    """Count the attempts that have ended since the last run, for charts, rates and Prometheus."""
    row = Sweep.objects.filter(name="count_activity")
    with transaction.atomic():
        counted, position = count_attempts(row.values_list("position", flat=True).first() or "")
        row.update(position=position)
    return counted
