"""The audit trail: what people did to jobs, queues, bulk runs, schedules and accounts.

It outlives the rows that it describes. Triggers refuse to change, delete or truncate its own rows, even in plain SQL.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One action of a person: who, when, why, before and after. Written in the same transaction as the action."""

    class Action(models.TextChoices):
        """What was done."""

        REQUEUE = "requeue"
        DISCARD = "discard"
        CANCEL = "cancel"
        EDIT = "edit"
        REVEAL = "reveal"
        DOWNLOAD = "download"
        PAUSE = "pause"
        RESUME = "resume"
        CHANGE = "change"
        ADD = "add"
        DELETE = "delete"
        START = "start"
        STOP = "stop"
        UNDO = "undo"

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150, help_text="name of the user")
    action = models.CharField(max_length=10, choices=Action)
    target_type = models.CharField(max_length=20, help_text="job, queue, bulk run, …")
    target_id = models.CharField(max_length=100)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict, help_text="without secrets")
    after = models.JSONField(default=dict, help_text="without secrets")

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["target_id", "-id"], name="jobs_audit_of_target"),
            models.Index(fields=["actor", "-id"], name="jobs_audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
