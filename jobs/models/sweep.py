"""The last run of each sweep."""

from __future__ import annotations

from django.db import models


class Sweep(models.Model):
    """The last run of one sweep. An alert on `last_finished_at` fires when it no longer runs."""

    name = models.CharField(max_length=50, primary_key=True)
    last_started_at = models.DateTimeField()
    last_finished_at = models.DateTimeField(null=True)
    last_handled = models.PositiveIntegerField(default=0, help_text="rows or files that the last run changed")
    handled = models.PositiveBigIntegerField(default=0, db_default=0, help_text="all that its runs ever changed")
    last_error = models.TextField(blank=True, help_text="of the last run; empty: it went well")
    position = models.CharField(max_length=100, blank=True, help_text="where the next run goes on")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
