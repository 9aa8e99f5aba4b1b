"""Where callbacks go wrong: hosts that fail a user now, and URLs that want no more. Deliveries are jobs."""

from __future__ import annotations

from django.contrib import admin

from jobs.admin.read_only import ReadOnlyAdmin
from jobs.models import CallbackEndpoint, CallbackHost


@admin.register(CallbackHost)
class CallbackHostAdmin(ReadOnlyAdmin):
    """Hosts that have failed an owner since they last answered, and until when nothing of theirs is sent there."""

    list_display = ("host", "owner", "failures", "open_until", "openings", "last_error", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "host__startswith")  # its port follows
    search_help_text = "The name of an owner, or a host"
    ordering = ("-updated_at",)


@admin.register(CallbackEndpoint)
class CallbackEndpointAdmin(ReadOnlyAdmin):
    """URLs that answered 410 Gone, by their hosts: what follows may hold secrets. Their owners enable them."""

    list_display = ("host", "owner", "disabled_at", "reason")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "host")
    search_help_text = "The name of an owner, or a host"
    ordering = ("-id",)
    exclude = ("url",)
