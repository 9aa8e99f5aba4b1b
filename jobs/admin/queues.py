"""The dials of the queues."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.models import Queue


@admin.register(Queue)
class QueueAdmin(ModelAdmin):
    """A change counts from the next release on; nothing is restarted."""

    list_display = (
        "name", "paused", "accepting", "max_running", "max_running_per_owner", "max_queued", "max_queued_per_owner",
        "statement_timeout_seconds",
    )  # fmt: skip
    fields = (
        "name", "paused", "accepting", "max_running", "max_running_per_owner", "max_queued", "max_queued_per_owner",
        "statement_timeout_seconds", "database",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The name is the key that jobs refer to."""
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: jobs refer to it. Pause it, or close it."""
        return False
