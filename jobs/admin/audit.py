"""The audit trail."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs.admin.read_only import ReadOnlyAdmin
from jobs.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, when and why, newest first."""

    list_display = ("at", "actor", "action", "target_type", "target_id", "reason", "changes")
    list_display_links = None
    list_filter = (("action", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("target_id", "actor")
    search_help_text = "A job ID, a queue name, the number of a bulk run, or a user name"
    sortable_by = ()
    ordering = ("-id",)

    @admin.display(description="Before → after")
    def changes(self, entry: AuditEntry) -> SafeString:
        """One line for each value that has changed."""
        names = [name for name in {**entry.before, **entry.after} if entry.before.get(name) != entry.after.get(name)]
        lines = [f"{name}: {_shown(entry.before.get(name))} → {_shown(entry.after.get(name))}" for name in names]
        return format_html("<div class='lh-changes'>{}</div>", "\n".join(lines))


def _shown(value: object) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
