"""Dials of one type of jobs. Each change needs a reason and is kept in the audit trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.admin.forms import ReasonForm, validate_choice, validate_database
from jobs.interventions.dials import TYPE_DIALS, delete_type_dials, set_type_dials
from jobs.kinds import inspector_of, kind_names
from jobs.models import TypeDials


class TypeDialsForm(forms.ModelForm):
    """The dials, and the reason for the change."""

    reason = ReasonForm.base_fields["reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & set(TYPE_DIALS):
            self.fields[name].show_hidden_initial = True  # so that only the values that this user changed are written

    def clean_kind(self) -> str:
        return validate_choice(self.cleaned_data["kind"], kind_names(), "kind")

    def clean_type(self) -> str:
        """Check the type, unless the kind is not valid."""
        kind, type_ = self.cleaned_data.get("kind"), self.cleaned_data["type"]
        if kind is None:
            return type_
        return validate_choice(type_, list(inspector_of(kind).types()), "type")

    def clean_database(self) -> str:
        return validate_database(self.cleaned_data["database"])


@admin.register(TypeDials)
class TypeDialsAdmin(ModelAdmin):
    """For an empty dial, the class of the type decides, otherwise the queue's row."""

    form = TypeDialsForm
    list_display = ("type", "kind", *TYPE_DIALS)
    sortable_by = ()
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Omit the reason if the user cannot change anything."""
        fields = ("kind", "type", *TYPE_DIALS)
        changes = self.has_change_permission(request) if obj else self.has_add_permission(request)
        return (*fields, "reason") if changes else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind", "type") if obj else ()

    def save_model(self, request: HttpRequest, obj: TypeDials, form: Any, change: bool) -> None:
        """Write the values that the user changed, with an audit entry."""
        changed = [name for name in TYPE_DIALS if name in form.changed_data or not change]
        obj.pk = set_type_dials(
            obj.kind,
            obj.type,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            **{name: form.cleaned_data[name] for name in changed},
        ).pk

    def delete_model(self, request: HttpRequest, obj: TypeDials) -> None:
        delete_type_dials(obj.kind, obj.type, actor=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the rows one by one, each with its audit entry."""
        for obj in queryset:
            self.delete_model(request, obj)
