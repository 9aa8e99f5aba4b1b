"""The one table. `bench.usual.__main__` creates and drops it: it has no migrations, as it is never kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Order(models.Model):
    """Some work."""

    status = models.CharField(max_length=10, default="queued")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Order]] = models.Manager()  # for the type checker, which knows the product only

    class Meta:
        app_label = "bench_usual"

    def __str__(self) -> str:
        return f"order {self.pk} ({self.status})"
