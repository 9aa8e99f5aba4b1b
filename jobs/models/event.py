"""The timelines of jobs. `jobs.events` writes them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """One line of a timeline. Written in the transaction that it describes, and never changed."""

    class Name(models.TextChoices):
        """What happened."""

        SUBMITTED = "submitted"
        RELEASED = "released"
        STARTED = "started"
        PROGRESS = "progress"
        COMPLETED = "completed"
        FAILED = "failed"
        RETRIED = "retried"
        RESCUED = "rescued"
        HANDED_BACK = "handed_back"
        POSTPONED = "postponed"
        DEAD_LETTERED = "dead_lettered"
        REQUEUED = "requeued"
        REQUEUE_UNDONE = "requeue_undone"
        EDITED = "edited"
        CANCEL_REQUESTED = "cancel_requested"
        CANCELLED = "cancelled"
        DOWNLOADED = "downloaded"
        EXPIRED = "expired"
        PURGED = "purged"

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="events")
    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=20, choices=Name)
    actor = models.CharField(max_length=150, blank=True, help_text="name of the user; empty: Longhaul itself")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["job", "id"], name="jobs_event_of_job")]

    def __str__(self) -> str:
        return f"{self.name} {self.job_id}"
