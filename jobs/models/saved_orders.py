"""The table of orders that users have saved under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SavedOrder(models.Model):
    """The values of an order form, without secrets. Nothing is ordered until its owner does."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_orders")
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    payload = models.JSONField(help_text="members of an order without its type")
    language = models.CharField(max_length=10, blank=True, help_text="language of the headings in it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["owner", "kind", "name"], name="jobs_savedorder_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
