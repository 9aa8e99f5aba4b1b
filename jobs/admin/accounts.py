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
    """Users. Give permissions by the groups viewer, operator and administrator."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only a superuser can make another one, or give permissions directly instead of by groups."""
        return () if request.user.is_superuser else ("is_superuser", "user_permissions")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Only superusers can act on a selection, because it may contain superusers."""
        return super().get_actions(request) if request.user.is_superuser else {}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission. Only a superuser may change a superuser, including the password."""
        return super().has_change_permission(request, obj) and not _outranks(obj, request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission. Only a superuser may delete a superuser."""
        return super().has_delete_permission(request, obj) and not _outranks(obj, request.user)


def _outranks(other: Any, user: Any) -> bool:
    return other is not None and other.is_superuser and not user.is_superuser


@replace_admin(Group)
class GroupAdmin(AuditedMixin, DjangoGroupAdmin, ModelAdmin):
    """Groups, which serve as roles."""


@admin.register(ApiToken)
class TokenAdmin(AuditedMixin, ReadOnlyAdmin):  # type: ignore[misc]  # redefines what the mixin inherits
    """Bearer tokens, of which only a hash is stored. Staff can revoke them by deleting, and change their rate limit."""

    list_display = ("token_key", "user", "name", "scopes", "created", "last_used_at", "expiry")
    list_select_related = ("user",)
    fields = (
        "token_key", "user", "name", "scopes", "created", "last_used_at", "expiry", "issued_by", "requests_per_minute",
    )  # fmt: skip
    readonly_fields = fields[:-1]
    search_fields = ("token_key", "user__username")

    def audited_id(self, obj: Any) -> object:
        """The same id as in `jobs.tokens.issuing`. The primary key, a hash of 128 characters, would be too long."""
        return obj.id

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Log also the tokens that are deleted with a token because it issued them."""
        ended = {one.pk: one for token in queryset for one in (token, *issued_below(token))}
        return super().log_deletions(request, ended.values())  # type: ignore[arg-type]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@replace_admin(AccessAttempt)
class FailedSignInAdmin(AuditedMixin, AccessAttemptAdmin, ModelAdmin):
    """Failed sign-ins that count toward a lock. Deleting a row lifts its lock."""
