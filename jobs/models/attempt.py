"""Attempts: how each try of a job went."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.states import Outcome


class Attempt(models.Model):
    """One try by one worker to run a job. Rows are added and ended, and deleted only together with their job."""

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="attempts")
    number = models.PositiveIntegerField(help_text="1 is the first")
    fencing_token = models.BigIntegerField()
    worker = models.TextField(help_text="name of the Celery worker")
    process_id = models.PositiveIntegerField(null=True, help_text="of the worker's process, on its machine")
    celery_task_id = models.CharField(max_length=255, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    error_class = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_fingerprint = models.CharField(max_length=64, blank=True, help_text="equal for equal failures")
    traceback = models.TextField(blank=True, help_text="without secrets, see `jobs.payloads.redaction`")
    rows = models.BigIntegerField(null=True, help_text="rows written or read")
    rows_expected = models.BigIntegerField(null=True, help_text="rows expected when it succeeded; NULL is unknown")
    bytes = models.BigIntegerField(null=True, help_text="bytes")
    peak_memory_bytes = models.BigIntegerField(null=True, help_text="bytes; peak of the worker process")
    conditions = models.JSONField(null=True, help_text="under which it ran: the database it read, its pace")

    class Meta:
        ordering = ("job", "number")
        constraints = [models.UniqueConstraint(fields=("job", "number"), name="jobs_attempt_number")]
        indexes = [
            models.Index(fields=["finished_at"], name="jobs_attempt_ended", condition=Q(finished_at__isnull=False)),
            models.Index(
                fields=["error_fingerprint", "finished_at"],
                name="jobs_attempt_failed",
                condition=~Q(error_fingerprint=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs."""
        return self.finished_at - self.started_at if self.finished_at else None
