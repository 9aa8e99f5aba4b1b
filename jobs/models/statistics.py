"""Counts of ended attempts. The sweep `count_activity` writes them; pages and scrapes read them instead of attempts.

Totals only grow, as counters of Prometheus must. One row counts the attempts of one type with one outcome, one bucket
of duration and one of rows. So there are few rows for any number of jobs, and a histogram is a sum over them.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobs.states import Outcome

#: Inclusive upper bounds of the buckets; one more bucket is above the last bound. Seconds, and rows. Stored rows refer
#: to positions in these tuples, so never change them: different buckets need a new column.
DURATION_BOUNDS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
ROWS_BOUNDS: Final = (0.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)


class AttemptTotal(models.Model):
    """How many attempts of one sort ended."""

    queue = models.CharField(max_length=50)
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    outcome = models.CharField(max_length=12, choices=Outcome)
    duration_bucket = models.PositiveSmallIntegerField(help_text="number of DURATION_BOUNDS exceeded")
    rows_bucket = models.PositiveSmallIntegerField(help_text="number of ROWS_BOUNDS exceeded")
    attempts = models.PositiveBigIntegerField()
    seconds = models.FloatField(help_text="sum of their durations")
    rows = models.PositiveBigIntegerField(help_text="sum of their rows")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "kind", "type", "outcome", "duration_bucket", "rows_bucket"],
                name="jobs_attempttotal_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.kind} {self.type} {self.outcome}"


class DecisionTotal(models.Model):
    """How often ended attempts had changed their pace for one reason; see `jobs.pacing.governor`."""

    queue = models.CharField(max_length=50)
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    decision = models.CharField(max_length=20)
    times = models.PositiveBigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["queue", "kind", "type", "decision"], name="jobs_decisiontotal_once")
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.kind} {self.type} {self.decision}"


class Activity(models.Model):
    """Attempts of one queue that ended with one outcome within one minute."""

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


class RecentRuns(models.Model):
    """The latest successful attempts of one type, newest first. All arrays have the same length.

    Only `bytes` is shorter, or NULL, as long as some of them were counted before it was kept.
    """

    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    seconds = ArrayField(models.FloatField(), help_text="duration of each")
    rows = ArrayField(models.BigIntegerField(), help_text="rows of each")
    rows_expected = ArrayField(
        models.BigIntegerField(null=True), help_text="rows that each expected at its start; NULL if unknown"
    )
    bytes = ArrayField(models.BigIntegerField(), null=True, help_text="size of the files of each")

    class Meta:
        verbose_name_plural = "recent runs"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["kind", "type"], name="jobs_recentruns_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.type}"
