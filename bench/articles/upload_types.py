"""The upload type of the table: insert and update by the natural key, as the example's products."""

from __future__ import annotations

from typing import Any

from bench.articles.models import Article
from uploads.types import Column, UploadType, register


@register
class Articles(UploadType):
    """All columns are required."""

    identifier = "bench-articles"
    title = "Benchmark articles"
    model = Article
    key = ("sku",)
    columns = {
        "sku": Column("sku", required=True),
        "name": Column("name", required=True),
        "category": Column("category", required=True),
        "list_price": Column("list_price", required=True),
    }

    def may_upload(self, user: Any) -> bool:
        """Whoever measures."""
        return True
