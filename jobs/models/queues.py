"""The tables of dials: of each queue, and of types of jobs that differ from their queue."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

AT_LEAST_ONE = (MinValueValidator(1),)  # not 0: `paused` is for that
A_PERCENTAGE = (MinValueValidator(1), MaxValueValidator(100))


class Pace(models.TextChoices):
    """How fast rows are read."""

    FIXED = "fixed", "fixed: as fast as rows per second allow"
    AUTO = "auto", "auto: also slower while the database is busy"


class Queue(models.Model):
    """The dials of one queue. Without a value there is no limit."""

    name = models.CharField(max_length=50, primary_key=True)
    max_running = models.PositiveIntegerField(null=True, blank=True, help_text="jobs running at once")
    max_running_per_owner = models.PositiveIntegerField(null=True, blank=True, help_text="jobs")
    max_running_per_type = models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE,
        help_text="jobs of one type; the type of a callback is the bucket of its host",
    )  # fmt: skip
    max_queued = models.PositiveIntegerField(null=True, blank=True, help_text="jobs waiting; more are refused with 503")
    max_queued_per_owner = models.PositiveIntegerField(
        null=True, blank=True, help_text="jobs waiting; more are refused with 429"
    )
    rows_per_second = models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="rows/s of one job"
    )
    pace = models.CharField(max_length=5, choices=Pace, default=Pace.FIXED, db_default=Pace.FIXED)
    target_busy_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, default=5, db_default=5, validators=A_PERCENTAGE,
        help_text="% of the time that an auto job may spend at work",
    )  # fmt: skip
    target_active_sessions = models.PositiveIntegerField(
        null=True, blank=True, default=8, db_default=8, help_text="sessions; auto slows down while more are active"
    )
    target_latency_milliseconds = models.PositiveIntegerField(
        null=True, blank=True, default=20, db_default=20, help_text="ms; auto slows down while a fetch takes longer"
    )
    max_lag_seconds = models.PositiveIntegerField(
        null=True, blank=True, default=30, db_default=30, help_text="seconds by which a replica may be behind"
    )
    statement_timeout_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="seconds")
    database = models.CharField(
        max_length=50, blank=True, help_text="alias that handlers read from; empty: the replica if there is one"
    )
    paused = models.BooleanField(default=False, help_text="on: no job starts; jobs wait")
    accepting = models.BooleanField(default=True, help_text="off: new jobs are refused with 503")
    last_owner = models.BigIntegerField(
        default=0, editable=False, help_text="the owner served last; `jobs.dispatch.fairness` continues after it"
    )

    class Meta:
        ordering = ("name",)
        permissions = [("pause_queue", "Can pause and resume queues")]

    def __str__(self) -> str:
        return self.name


class TypeDials(models.Model):
    """Dials of one type of jobs. Empty dials take the value of the type's class, else that of the queue."""

    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100, help_text="such as the report type")
    paused = models.BooleanField(default=False, help_text="on: no job starts; jobs wait")
    accepting = models.BooleanField(default=True, help_text="off: new jobs are refused with 503")
    max_running = models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="jobs running at once"
    )
    max_queued = models.PositiveIntegerField(null=True, blank=True, help_text="jobs waiting; more are refused with 503")
    rows_per_second = models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="rows/s of one job"
    )
    pace = models.CharField(max_length=5, choices=Pace, blank=True)
    statement_timeout_seconds = models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text="seconds"
    )
    database = models.CharField(max_length=50, blank=True, help_text="alias that its jobs read from")

    class Meta:
        ordering = ("kind", "type")
        verbose_name = verbose_name_plural = "dials of a type"
        constraints = [models.UniqueConstraint(fields=["kind", "type"], name="jobs_typedials_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.type}"
