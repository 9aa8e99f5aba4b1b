"""Failures to send messages to Celery. `jobs.dispatch.publish_failures` writes the rows."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class PublishFailure(models.Model):
    """The last failure of a queue. The row stays after the failure is over."""

    queue = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField(db_default=Now())
    error_class = models.CharField(max_length=200)
    message = models.TextField()

    class Meta:
        db_table = "jobs_publishfailure"

    def __str__(self) -> str:
        return self.queue
