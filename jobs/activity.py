"""How many attempts ended in each minute, by queue and outcome: what charts and rates are made of.

Counted by a sweep, so that a page that shows a day does not read a day's attempts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, models
from django.utils.dateparse import parse_datetime

from jobs.states import Outcome

#: Minutes that are counted again each time: an attempt may commit after the minute that it ended in was counted.
RECOUNTED: Final = timedelta(minutes=2)
#: As far back as the first count reaches, and as long as minutes are kept.
KEPT: Final = timedelta(days=8)


class Activity(models.Model):
    """The attempts of one queue that ended with one outcome within one minute."""

    minute = models.DateTimeField()
    queue = models.CharField(max_length=50)
    outcome = models.CharField(max_length=12, choices=Outcome)
    attempts = models.PositiveIntegerField()
    seconds = models.FloatField(help_text="sum of their durations")
    rows = models.BigIntegerField(help_text="sum of their rows")

    class Meta:
        verbose_name_plural = "activity"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["minute", "queue", "outcome"], name="jobs_activity_once")]

    def __str__(self) -> str:
        return f"{self.queue} {self.outcome} {self.minute}"


def count_attempts(position: str) -> tuple[int, str]:
    """Count the attempts that ended since `position`, the time that the last count returned.

    Returns how many minutes were written, and the next position. Counting twice changes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        [now] = cursor.fetchone()
        last = parse_datetime(position) if position else None
        since = max(last or now - KEPT, now - KEPT) - RECOUNTED
        cursor.execute(
            """
            INSERT INTO jobs_activity (minute, queue, outcome, attempts, seconds, rows)
            SELECT date_trunc('minute', attempt.finished_at), job.queue, attempt.outcome, count(*),
                sum(extract(epoch FROM attempt.finished_at - attempt.started_at)), coalesce(sum(attempt.rows), 0)
            FROM jobs_attempt AS attempt JOIN jobs_job AS job ON job.id = attempt.job_id
            WHERE attempt.finished_at >= date_trunc('minute', %s::timestamptz)
            GROUP BY 1, 2, 3
            ON CONFLICT (minute, queue, outcome) DO UPDATE
            SET attempts = EXCLUDED.attempts, seconds = EXCLUDED.seconds, rows = EXCLUDED.rows
            """,
            [since],
        )
        counted = cursor.rowcount
        cursor.execute("DELETE FROM jobs_activity WHERE minute < %s", [now - KEPT])
    return counted, now.isoformat()
