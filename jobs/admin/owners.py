"""The lists of the admin by the owner of their rows: a filter, and links to all that belongs to one owner."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import TextFilter


class OwnerFilter(TextFilter):
    """By the name of the owner. The admin's `owner_path` leads to the owner from a row."""

    title = parameter_name = "owner"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of this owner; none if nobody has this name."""
        return rows_of_owner(queryset, self.path, self.value()) if self.value() else queryset

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.path: str = model_admin.owner_path


def rows_of_owner(rows: QuerySet[Any], path: str, name: str) -> QuerySet[Any]:
    """The rows whose owner, to whom `path` leads, has this name. The owner is found first, so that an index helps."""
    users = get_user_model()
    owner = users.objects.filter(**{users.USERNAME_FIELD: name.strip()}).first()
    return rows.filter(**{path: owner.pk}) if owner else rows.none()


def lists_of_owner(request: HttpRequest, owner: Any) -> list[tuple[str, str]]:
    """Name and address of each list that this user may see, filtered by an owner."""
    query = urlencode({"owner": owner.get_username()})
    return [
        (
            str(model._meta.verbose_name_plural),
            f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{query}",
        )
        for model, model_admin in admin.site._registry.items()
        if getattr(model_admin, "owner_path", "") and model_admin.has_view_permission(request)
    ]


def owner_with_lists(request: HttpRequest, owner: Any) -> str | SafeString:
    """The name of an owner, with links to all that belongs to the owner."""
    if owner is None:
        return "None"
    links = format_html_join(", ", '<a href="{1}">{0}</a>', lists_of_owner(request, owner))
    return format_html("{} ({})", owner.get_username(), links) if links else str(owner.get_username())
