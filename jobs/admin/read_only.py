"""Admin pages that only show."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.http import HttpRequest


class ReadOnlyMixin:
    """Nothing can be added, changed or deleted, by any URL. Who may view is Django's permission."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class ReadOnlyAdmin(ReadOnlyMixin, admin.ModelAdmin):
    """A list and a page for each row. It does not count all rows: tables grow large."""

    show_full_result_count = False
    list_per_page = 50


class ReadOnlyInline(ReadOnlyMixin, InlineModelAdmin):
    """Rows below their parent."""

    template = "admin/edit_inline/tabular.html"
    extra = 0
    show_change_link = True
