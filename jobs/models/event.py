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
        SHARE_CREATED = "share_created", "Share link created"
        SHARE_USED = "share_used", "Share link used"
        SHARE_REVOKED = "share_revoked", "Share link revoked"

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="events")
    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=20, choices=Name)
    actor = models.CharField(
        max_length=150, blank=True, help_text="name of the user; empty: Longhaul itself, or a visitor"
    )
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["job", "id"], name="jobs_event_of_job")]

    def __str__(self) -> str:
        return f"{self.name} {self.job_id}"

    @property
    def who(self) -> str:
        """The actor in words. Nothing is known about a visitor who uses a share link."""
        return self.actor or ("a visitor" if self.name == Event.Name.SHARE_USED else "Longhaul")
