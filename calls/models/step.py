"""Steps: what a call has done, so that no later attempt does it again."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

#: Maximum length of the name of a step with its scopes. Characters.
LONGEST_NAME: Final = 300


class Step(models.Model):
    """One step of a call, written when it ended. A step that failed is written, too, and replaced by its next try."""

    class Outcome(models.TextChoices):
        """How the step ended.

        `done`: it has a result. `refused`: it failed for good, and the call goes on without it. `failed`: the next
        attempt tries it again.
        """

        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    # The index of the constraint `calls_step_once` begins with it.
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="steps")
    name = models.CharField(max_length=LONGEST_NAME, help_text="unique within the job; scopes are separated by /")
    of_item = models.BooleanField(default=False, help_text="a step of an item, which is a step itself")
    fingerprint = models.CharField(max_length=64, help_text="of what the step does; SHA-256, hexadecimal")
    attempt = models.PositiveIntegerField(help_text="number of the attempt that wrote it")
    outcome = models.CharField(max_length=10, choices=Outcome)
    # JSONB would change the order of keys and refuse NUL, and an empty text is no JSON.
    result = models.TextField(  # noqa: DJ001
        null=True,
        help_text="JSON text, up to 256 KiB; larger results are in the artifact",
    )
    artifact = models.ForeignKey(
        "jobs.Artifact", null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    request = models.JSONField(null=True, help_text="what was sent, without secrets")
    answer = models.JSONField(null=True, help_text="what was answered, without secrets and abbreviated")
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField(help_text="milliseconds, without waiting for the host's turn")
    ended_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        ordering = ("job", "id")
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="calls_step_once"),
            models.CheckConstraint(condition=Q(outcome__in=["done", "refused", "failed"]), name="calls_step_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.job_id}"
