"""Refused orders per minute. `jobs.dispatch.refusals` counts them."""

from __future__ import annotations

from django.db import models


class Refusal(models.Model):
    """How many orders one queue refused for one reason within one minute."""

    minute = models.DateTimeField()
    queue = models.CharField(max_length=50)
    reason = models.CharField(max_length=20)
    orders = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["minute", "queue", "reason"], name="jobs_refusal_once")]

    def __str__(self) -> str:
        return f"{self.queue} {self.reason} {self.minute}"
