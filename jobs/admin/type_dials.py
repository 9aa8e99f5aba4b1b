"""Dials of one type of jobs: each change wants a reason, and is kept in the audit trail."""

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
    """The dials, and why."""

    reason = ReasonForm.base_fields["reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & set(TYPE_DIALS):
            self.fields[name].show_hidden_initial = True  # so that only what this person has changed is written

    def clean_kind(self) -> str:
        """One that an installed app registers."""
        kind = self.cleaned_data["kind"]
        return validate_choice(kind, kind_names(), "kind")

    def clean_type(self) -> str:
        """One of the kind's."""
        kind, type_ = self.cleaned_data.get("kind"), self.cleaned_data["type"]
        if kind is None:
            return type_
        return validate_choice(type_, list(inspector_of(kind).types()), "type")

    def clean_database(self) -> str:
        """An alias of the settings."""
        return validate_database(self.cleaned_data["database"])


@admin.register(TypeDials)
class TypeDialsAdmin(ModelAdmin):
    """What is empty is as the class of the type says, else as its queue's row does."""

    form = TypeDialsForm
    list_display = ("type", "kind", *TYPE_DIALS)
    sortable_by = ()
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Without the reason where nothing can be changed."""
        fields = ("kind", "type", *TYPE_DIALS)
        changes = self.has_change_permission(request) if obj else self.has_add_permission(request)
        return (*fields, "reason") if changes else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whose dials they are does not change."""
        return ("kind", "type") if obj else ()

    def save_model(self, request: HttpRequest, obj: TypeDials, form: Any, change: bool) -> None:
        """What was changed since the page was made, through the function that keeps the trail."""
        changed = [name for name in TYPE_DIALS if name in form.changed_data or not change]
        obj.pk = set_type_dials(
            obj.kind,
            obj.type,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            **{name: form.cleaned_data[name] for name in changed},
        ).pk

    def delete_model(self, request: HttpRequest, obj: TypeDials) -> None:
        """From then on the class and the queue say it."""
        delete_type_dials(obj.kind, obj.type, actor=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, each with its line in the trail."""
        for obj in queryset:
            self.delete_model(request, obj)
