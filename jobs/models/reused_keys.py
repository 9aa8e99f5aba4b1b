"""Idempotency keys of orders that were answered with an existing job; see `jobs.dispatch.idempotency`.

The column of the job is for the order that created it, so further keys are here. They expire like those of jobs.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ReusedKey(models.Model):
    """The job that one further `Idempotency-Key` stands for."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_index=False,  # jobs_reusedkey_once begins with it
        related_name="+",
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="of the request that had the key")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="reused_keys")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=("owner", "key"), name="jobs_reusedkey_once")]
        indexes = [models.Index(fields=["created_at"], name="jobs_reusedkey_created")]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.key} of {self.job_id}"
