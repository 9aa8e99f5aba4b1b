"""The workers that are there. `jobs.dispatch.presence` renews the rows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Worker(models.Model):
    """A worker that consumes queues, or did when it was seen last. Times are PostgreSQL's."""

    name = models.TextField(primary_key=True)
    queues = ArrayField(models.TextField())
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "jobs_worker"

    def __str__(self) -> str:
        return self.name
