"""Its own table. `bench.minimal.__main__` creates and drops it: it has no migrations, as it is never kept."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Report(models.Model):
    """An order, and what became of it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    report_type = models.CharField(max_length=100)
    parameters = models.JSONField(default=dict)
    status = models.CharField(max_length=10, default="queued")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Report]] = models.Manager()  # for the type checker, which knows the product only

    class Meta:
        app_label = "bench_minimal"

    def __str__(self) -> str:
        return f"report {self.pk} ({self.status})"
