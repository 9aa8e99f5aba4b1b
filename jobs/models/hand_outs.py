"""What a queue's hand-outs remember from one to the next."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class HandOut(models.Model):
    """The last look for jobs to hand out of one queue: who was served, who held a place, and where to look next.

    Each look inserts a row and deletes the one before it, instead of updating a row. So the newest row is the first
    that an index search finds, however many older ones a long snapshot keeps alive: see `jobs.dispatch.positions`. A
    thousand rows without a queue make PostgreSQL choose that search (migration 0042).
    """

    pk = models.CompositePrimaryKey("queue", "number")
    queue = models.CharField(max_length=50)
    number = models.BigIntegerField()
    last_owner = models.BigIntegerField(help_text="the owner served last; the next look continues after it")
    held = ArrayField(
        models.UUIDField(), null=True, help_text="jobs that held a place then; NULL if they were not remembered"
    )
    waiting_from = models.UUIDField(help_text="no job with a lower id waited then")

    class Meta:
        db_table = "jobs_handout"

    def __str__(self) -> str:
        return f"{self.queue} {self.number}"
