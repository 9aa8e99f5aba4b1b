"""Counts of attempts that have ended, written by the sweep `count_activity`: pages and scrapes read these, not
attempts.

Totals only grow, as Prometheus' counters must. One row counts the attempts of one type that ended with one outcome, in
one bucket of duration and one of rows: there are few rows however many jobs there were, and a histogram is a sum over
them.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobs.states import Outcome

#: Upper bounds of the buckets, each including its bound; above the last one there is one more. Kept rows count by the
#: place in here, so these are not changed: a change is a new column. Seconds, and rows.
DURATION_BOUNDS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
ROWS_BOUNDS: Final = (0.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)


class AttemptTotal(models.Model):
    """Attempts that ended, of one sort."""

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
    """How often attempts that ended had decided on their pace, for one reason; see `jobs.pacing.governor`."""

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


class RecentRuns(models.Model):
    """The newest successful attempts of one type, newest first; the arrays are equally long."""

    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    seconds = ArrayField(models.FloatField(), help_text="duration of each")
    rows = ArrayField(models.BigIntegerField(), help_text="rows of each")
    rows_expected = ArrayField(
        models.BigIntegerField(null=True), help_text="rows that each expected at its start; NULL if unknown"
    )

    class Meta:
        verbose_name_plural = "recent runs"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["kind", "type"], name="jobs_recentruns_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.type}"
