"""What users have chosen: saved orders, and the preferences of their pages and mails."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.admin.job_page import formatted
from jobs.admin.owners import OwnerFilter
from jobs.admin.read_only import ReadOnlyAdmin
from jobs.models import Preferences, SavedOrder
from jobs.payloads.masked import masked
from jobs.types.registry import registries


@admin.register(SavedOrder)
class SavedOrderAdmin(ReadOnlyAdmin):
    """Orders that users have saved under a name."""

    list_display = ("name", "owner", "kind", "type", "created_at")
    list_select_related = ("owner",)
    list_filter = (OwnerFilter,)
    list_filter_submit = True
    owner_path = "owner"
    open_lookups = ("kind", "type")
    search_fields = ("owner__username", "type", "name")
    search_help_text = "An owner's name, a type, or the name of the order"
    ordering = ("-id",)
    exclude = ("payload",)
    readonly_fields = ("masked_payload",)

    @admin.display(description="Payload")
    def masked_payload(self, saved: SavedOrder) -> SafeString:
        members = {registry.kind: registry.member for registry in registries()}
        order = {members.get(saved.kind, "type"): saved.type, **saved.payload}
        return format_html("<pre>{}</pre>", formatted(masked(saved.kind, order)))


@admin.register(Preferences)
class PreferencesAdmin(ReadOnlyAdmin):
    """The choices of users. A user without a row has the defaults. A mail's stop link switches its choice off."""

    list_display = (
        "user", "language", "time_zone", "mail_complete", "mail_failed", "mail_schedule_paused", "mail_expiring",
    )  # fmt: skip
    list_select_related = ("user",)
    list_filter = (OwnerFilter,)
    list_filter_submit = True
    owner_path = "user"
    search_fields = ("user__username",)
    search_help_text = "A user's name"
    ordering = ("-user",)
