"""Users, groups, tokens and failed sign-ins in the admin's theme."""

from __future__ import annotations

from typing import Any

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from jobs.admin.audited import AuditedMixin
from jobs.admin.read_only import ReadOnlyAdmin, replace_admin
from jobs.models.token import ApiToken
from jobs.tokens.issuing import issued_below


@replace_admin(User)
class UserAdmin(AuditedMixin, DjangoUserAdmin, ModelAdmin):
    """People. Who may do what is best given by the groups viewer, operator and administrator."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only a superuser makes another, or gives permissions beside the groups."""
        return () if _is_superuser(request.user) else ("is_superuser", "user_permissions")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting a selection does not look at each, so it is a superuser's."""
        return super().get_actions(request) if _is_superuser(request.user) else {}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As Django's permission says; of a superuser, only to another. This holds for passwords, too."""
        return super().has_change_permission(request, obj) and not _outranks(obj, request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same."""
        return super().has_delete_permission(request, obj) and not _outranks(obj, request.user)


def _outranks(other: Any, user: Any) -> bool:
    return other is not None and _is_superuser(other) and not _is_superuser(user)


def _is_superuser(user: Any) -> bool:
    return bool(user.is_superuser)


@replace_admin(Group)
class GroupAdmin(AuditedMixin, DjangoGroupAdmin, ModelAdmin):
    """Roles."""


@admin.register(ApiToken)
class TokenAdmin(AuditedMixin, ReadOnlyAdmin):  # type: ignore[misc]  # what is read only says so
    """Bearer tokens, of which only a hash is stored. Deleting one ends it; how often it may ask can be changed."""

    list_display = ("token_key", "user", "name", "scopes", "created", "last_used_at", "expiry")
    list_select_related = ("user",)
    fields = (
        "token_key", "user", "name", "scopes", "created", "last_used_at", "expiry", "issued_by", "requests_per_minute",
    )  # fmt: skip
    readonly_fields = fields[:-1]
    search_fields = ("token_key", "user__username")

    def audited_id(self, obj: Any) -> object:
        """As `jobs.tokens.issuing` does; the key is a hash of 128 characters."""
        return obj.id

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Also of those that end with it."""
        ended = {one.pk: one for token in queryset for one in (token, *issued_below(token))}
        return super().log_deletions(request, ended.values())  # type: ignore[arg-type]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As Django's permission says."""
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As Django's permission says."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@replace_admin(AccessAttempt)
class FailedSignInAdmin(AuditedMixin, AccessAttemptAdmin, ModelAdmin):
    """Failed sign-ins that count towards a lock. Deleting one lifts it."""
