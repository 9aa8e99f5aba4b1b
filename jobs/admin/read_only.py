"""Read-only admin pages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponseRedirect
from unfold.admin import ModelAdmin

from jobs.admin.paginator import BoundedPaginator

#: Scripts by which a form fills in a slug: 50 kB, compressed.
SLUGS: Final = ("admin/js/urlify.js", "admin/js/prepopulate.js", "admin/js/vendor/xregexp/")

AnyAdmin = TypeVar("AnyAdmin", bound=type[admin.ModelAdmin])


class ReadOnlyAdmin(ModelAdmin):
    """A list and a page per row, for users with Django's permission to view. No URL can add, change or delete rows.

    It does not count all rows, because tables grow large.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50

    #: Fields that a URL may filter by equality, in addition to those of `list_filter`. Django would allow any lookup of
    #: any field, and `payload__token__startswith` would reveal a secret letter by letter.
    open_lookups: tuple[str, ...] = ()

    @property
    def media(self) -> Media:
        """The scripts and style sheets, without those that only forms need."""
        found = super().media
        return Media(css=found._css, js=[script for script in found._js if not str(script).startswith(SLUGS)])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Refuse a selection that contains anything but ids. Else do what Django does."""
        try:
            for text in request.POST.getlist("_selected_action"):
                self.opts.pk.to_python(text)
        except ValidationError:
            messages.error(request, f"The selection contains something that is not a {self.opts.verbose_name}.")
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow only equality, and only on fields that are shown as filters or listed in `open_lookups`."""
        filters = [entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter]
        names = {getattr(entry, "parameter_name", entry) for entry in filters}
        return lookup in names or lookup.removesuffix("__exact") in {*self.open_lookups, *names}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows in which one of the `search_fields` equals the text. This uses an index; Django's lookups would not."""
        text = search_term.strip()
        if not text:
            return queryset, False
        found = queryset.none()
        for name in self.search_fields:
            with suppress(ValidationError, ValueError):  # for example, it is not an id
                found |= queryset.filter(**{name: text})
        return found, False


def replace_admin(*models: type[Model]) -> Callable[[AnyAdmin], AnyAdmin]:
    """Class decorator: register this admin for models of other apps, in place of the apps' own."""

    def register(admin_class: AnyAdmin) -> AnyAdmin:
        admin.site.unregister(models)
        admin.site.register(models, admin_class)
        return admin_class

    return register
