"""Record changes of other apps' models in the audit trail, in addition to Django's own log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from jobs.interventions.audit import audit
from jobs.models import AuditEntry


class AuditedMixin(admin.ModelAdmin):
    """Adds an audit entry for each row that is added, changed or deleted, or on which an action is performed.

    The entry names the changed fields but not their values: one of them may be a password.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._audit(request, AuditEntry.Action.ADD, [obj], after={"name": str(obj)})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._audit(request, AuditEntry.Action.CHANGE, [obj], after={"name": str(obj), "changed": _fields(message)})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._audit(request, AuditEntry.Action.DELETE, [obj], before={"name": str(obj)})
        return super().log_deletions(request, queryset)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:  # type: ignore[override]
        """Record an action on a selection. Django itself logs only its own deletion."""
        chosen = list(queryset.filter(pk__in=request.POST.getlist("_selected_action")))
        response = super().response_action(request, queryset)
        name = request.POST.get("action", "")
        if response is not None and name != "delete_selected" and name in self.get_actions(request):
            self._audit(request, AuditEntry.Action.CHANGE, chosen, after={"action": name})
        return response

    def audited_id(self, obj: Any) -> object:
        """The `target_id` of the row in the audit trail, at most 100 characters."""
        return obj.pk

    def _audit(
        self,
        request: HttpRequest,
        action: AuditEntry.Action,
        objects: list[Any],
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        targets = [
            (str(obj._meta.verbose_name)[:20], self.audited_id(obj), before or {}, after or {}) for obj in objects
        ]
        audit(action, targets, actor=request.user.get_username(), reason="")


def _fields(message: Any) -> list[str]:
    """The fields in Django's description of a change (`django.contrib.admin.utils.construct_change_message`)."""
    if not isinstance(message, list):
        return []
    return sorted({str(field) for part in message for kind in part.values() for field in kind.get("fields", [])})
