"""The table. `bench.articles.table` creates it: it has no migrations, as it is never kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Article(models.Model):
    """One article."""

    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=60)
    list_price = models.DecimalField(max_digits=12, decimal_places=2)

    objects: ClassVar[models.Manager[Article]] = models.Manager()  # for the type checker, which knows the product only

    def __str__(self) -> str:
        return self.sku
