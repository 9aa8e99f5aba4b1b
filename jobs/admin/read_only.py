"""Admin pages that only show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.admin.paginator import BoundedPaginator

AnyAdmin = TypeVar("AnyAdmin", bound=type[admin.ModelAdmin])


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


class ReadOnlyAdmin(ReadOnlyMixin, ModelAdmin):
    """A list and a page for each row. It does not count all rows: tables grow large."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50

    #: Fields that a URL may look for, by equality, beside those of `list_filter`. Django would allow any lookup of any
    #: field: `payload__token__startswith` tells a secret letter by letter.
    open_lookups: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Equality on fields that are shown as filters, and nothing else."""
        filters = [entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter]
        names = {getattr(entry, "parameter_name", entry) for entry in filters}
        return lookup in names or lookup.removesuffix("__exact") in {*self.open_lookups, *names}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows of which one of the `search_fields` is exactly that: by index, where Django's lookups scan the table."""
        text = search_term.strip()
        if not text:
            return queryset, False
        found = queryset.none()
        for name in self.search_fields:
            with suppress(ValidationError, ValueError):  # it is no id, say
                found |= queryset.filter(**{name: text})
        return found, False


def replace_admin(*models: type[Model]) -> Callable[[AnyAdmin], AnyAdmin]:
    """Class decorator: the admin of models of other apps, instead of the one that these registered."""

    def register(admin_class: AnyAdmin) -> AnyAdmin:
        admin.site.unregister(models)
        admin.site.register(models, admin_class)
        return admin_class

    return register
