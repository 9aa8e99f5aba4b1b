"""Workers that are present. `jobs.dispatch.presence` renews the rows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Worker(models.Model):
    """A worker and the queues that it consumed when it was last seen. Times are those of PostgreSQL's clock."""

    name = models.TextField(primary_key=True)
    queues = ArrayField(models.TextField())
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "jobs_worker"

    def __str__(self) -> str:
        return self.name
