"""Receivers of callbacks that fail: hosts, and URLs that answered 410 Gone. Deliveries are in the list of jobs."""

from __future__ import annotations

from django.contrib import admin

from jobs.admin.read_only import ReadOnlyAdmin
from jobs.models import CallbackEndpoint, CallbackHost


@admin.register(CallbackHost)
class CallbackHostAdmin(ReadOnlyAdmin):
    """Hosts that fail an owner's deliveries, and until when nothing of that owner is sent to them."""

    list_display = ("host", "owner", "failures", "open_until", "openings", "last_error", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "host__startswith")  # the port follows the host
    search_help_text = "An owner's name or a host"
    ordering = ("-updated_at",)


@admin.register(CallbackEndpoint)
class CallbackEndpointAdmin(ReadOnlyAdmin):
    """URLs that answered 410 Gone. Only the host is shown: the rest may hold secrets. Their owners can enable them."""

    list_display = ("host", "owner", "disabled_at", "reason")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "host")
    search_help_text = "An owner's name or a host"
    ordering = ("-id",)
    exclude = ("url",)
