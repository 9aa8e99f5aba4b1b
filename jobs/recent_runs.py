"""What the newest runs of each type took, in one row for a type: what `jobs.estimates` knows of the past.

Written by the sweep `count_activity`, so that who asks for a status reads a row and not attempts.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

#: Runs that are kept of a type: few enough that it is soon known when they have become slower.
RUNS_KEPT: Final = 50

#: The part of `jobs.activity.COUNT` that keeps them. Only runs that succeeded tell how long one takes.
KEEP_RUNS: Final = """
    runs AS (
        INSERT INTO jobs_recentruns AS known (kind, type, seconds, rows, rows_expected)
        SELECT kind, type,
            (array_agg(seconds ORDER BY finished_at DESC))[:%(runs_kept)s],
            (array_agg(rows ORDER BY finished_at DESC))[:%(runs_kept)s],
            (array_agg(rows_expected ORDER BY finished_at DESC))[:%(runs_kept)s]
        FROM ended WHERE outcome = 'succeeded' GROUP BY 1, 2
        ON CONFLICT (kind, type) DO UPDATE SET
            seconds = (EXCLUDED.seconds || known.seconds)[:%(runs_kept)s],
            rows = (EXCLUDED.rows || known.rows)[:%(runs_kept)s],
            rows_expected = (EXCLUDED.rows_expected || known.rows_expected)[:%(runs_kept)s]
    )
"""


class RecentRuns(models.Model):
    """The newest runs of one type that succeeded, the newest first; the arrays are equally long."""

    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    seconds = ArrayField(models.FloatField(), help_text="how long each took")
    rows = ArrayField(models.BigIntegerField(), help_text="rows of each")
    rows_expected = ArrayField(
        models.BigIntegerField(null=True), help_text="rows that each expected when it began; NULL is unknown"
    )

    class Meta:
        verbose_name_plural = "recent runs"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["kind", "type"], name="jobs_recentruns_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.type}"
