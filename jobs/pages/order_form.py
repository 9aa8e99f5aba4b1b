"""The order form: the type's own serializer, which `jobs.pages.page_form_renderer` renders.

DRF also reads HTML forms (`parameters.year=2023`; an empty optional input counts as left out, an unticked box as
False), so no code here parses fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils.html import parse_html_dict
from rest_framework.utils.serializer_helpers import NestedBoundField

from jobs.http.problems import pointers
from jobs.pages.relative_controls import chosen_moments, enter_moments, offer_moments
from jobs.types.base import JobType
from jobs.types.canonical import canonical
from jobs.types.relative_dates import UnknownMomentError
from jobs.types.relative_fields import resolve_all
from jobs.types.secret_parameters import HasParameters, is_secret_field, without_secrets


class OrderForm(serializers.Serializer[Any]):
    """An order without its type, which is in `context`: `parameters`, and the groups and fields of a subclass."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"parameters": self.context["job_type"].Parameters(label=_("Parameters"))}
        fields |= super().get_fields()
        for name in self._groups():
            _dress_all(fields[name], type(self.context["job_type"]))
        offer_moments(fields["parameters"], type(self.context["job_type"]), self.relative)
        return fields

    @property
    def relative(self) -> dict[str, str]:
        """The moments that were chosen for parameters, by path (`jobs.types.relative_fields`)."""
        chosen: dict[str, str] = self.context.get("relative", {})
        return chosen

    def order(self) -> dict[str, Any]:
        """The order of a valid form, with secrets in clear."""
        valid, sent = self.validated_data["parameters"], self.initial_data["parameters"]
        parameters = canonical(self.fields["parameters"], valid, sent)
        return {**{name: self.data[name] for name in self._groups()}, "parameters": parameters}

    def dress(self) -> None:
        """Prepare the fields for the page, just before they are rendered."""

    @classmethod
    def blank(cls, job_type: JobType) -> Self:
        """An empty form, which shows the defaults."""
        return cls(context={"job_type": job_type})

    @classmethod
    def entered(cls, job_type: JobType, posted: QueryDict) -> Self:
        """A form that a user has sent. It is validated: `errors` says what is wrong."""
        groups, relative = cls._sent_groups(posted), chosen_moments(posted, type(job_type))
        enter_moments(groups["parameters"], type(job_type), relative)
        return cls._validated(job_type, {**groups, **cls.sent_members(posted)}, relative=relative)

    @classmethod
    def filled(
        cls,
        job_type: JobType,
        order: Mapping[str, Any],
        *,
        relative: Mapping[str, str] | None = None,
        format_open: bool = False,
    ) -> Self:
        """A form with an earlier order. It is validated, because the type may have changed since."""
        data = {name: order[name] for name in cls._groups()} | cls.members_of(job_type, order, format_open=format_open)
        return cls._validated(job_type, data, relative=relative, format_open=format_open)

    @classmethod
    def like(cls, job_type: JobType, payload: Mapping[str, Any], *, format_open: bool = False) -> Self:
        """A form with the order of a job, without its secrets, which must be entered again."""
        parameters = without_secrets(type(job_type), payload["parameters"])
        return cls.filled(job_type, {**payload, "parameters": parameters}, format_open=format_open)

    @classmethod
    def of_now(cls, job_type: JobType, order: Mapping[str, Any], relative: Mapping[str, str]) -> Self:
        """A form with an earlier order without its secrets, whose relative dates have the values of now."""
        known = without_secrets(type(job_type), order["parameters"])
        try:
            parameters = resolve_all(type(job_type), known, relative, at=timezone.localtime())
        except UnknownMomentError:  # the type has changed: its fields take other values now, and the form says so
            parameters, relative = known, {}
        return cls.filled(job_type, {**order, "parameters": parameters}, relative=relative)

    @classmethod
    def sent_members(cls, posted: QueryDict) -> dict[str, Any]:
        """The fields of a subclass that are no groups, from a form that a user has sent."""
        return {}

    @classmethod
    def members_of(cls, job_type: JobType, order: Mapping[str, Any], *, format_open: bool) -> dict[str, Any]:
        """The fields of a subclass that are no groups, or other than in the order, from an earlier order."""
        return {}

    @classmethod
    def _groups(cls) -> list[str]:
        declared = cls._declared_fields.items()
        return ["parameters", *(name for name, field in declared if isinstance(field, serializers.Serializer))]

    @classmethod
    def _sent_groups(cls, posted: QueryDict) -> dict[str, Any]:
        return {name: parse_html_dict(posted, prefix=name) for name in cls._groups()}

    @classmethod
    def _validated(
        cls,
        job_type: JobType,
        data: dict[str, Any],
        *,
        relative: Mapping[str, str] | None = None,
        format_open: bool = False,
    ) -> Self:
        context = {"job_type": job_type, "relative": dict(relative or {}), "format_open": format_open}
        form = cls(data=data, context=context)
        form.is_valid()
        return form


#: Fields whose input is a single line of text.
TYPED = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.FloatField,
    serializers.DecimalField,
    serializers.UUIDField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.TimeField,
    serializers.DurationField,
    serializers.JSONField,
)


@dataclass(frozen=True)
class Mistake:
    """One line of the summary of errors. `target` is the id of the input, if it belongs to one."""

    target: str
    label: str
    message: str


def mistakes(form: OrderForm) -> list[Mistake]:
    """All errors of a validated form, in the order of its fields."""
    return [*own_errors(form.errors), *_field_errors(form)]


def _field_errors(fields: Any) -> Iterator[Mistake]:
    for field in fields:
        if isinstance(field, NestedBoundField):
            yield from own_errors(field.errors)
            yield from _field_errors(field)
        elif field.errors:
            for error in pointers(field.errors):
                yield Mistake(field.name, str(field.label), error["detail"])


def own_errors(errors: Any) -> Iterator[Mistake]:
    """The errors of a group that belong to no field of it."""
    if isinstance(errors, Mapping):
        errors = errors.get("non_field_errors")
    for error in pointers(errors or []):
        yield Mistake("", "", error["detail"])


def _dress_all(group: Any, job_type: type[HasParameters]) -> None:
    for name, field in group.fields.items():
        if isinstance(field, serializers.Serializer):
            _dress_all(field, job_type)
        elif is_secret_field(job_type, name) and isinstance(field, TYPED):
            _dress_secret(field)
        else:
            _dress(field)


def _dress_secret(field: Any) -> None:
    """Hide what is typed, and never show a value, not even a default."""
    field.style = {**field.style, "base_template": "input.html", "input_type": "password", "autocomplete": "off"}


def _dress(field: Any) -> None:
    """Show the field's default in the form, and allow an empty choice if the API allows leaving the field out."""
    if isinstance(field, serializers.BooleanField):
        field.default_empty_html = False  # for an unticked box, DRF would otherwise use the default
    default = _default(field)
    if default is None:
        field.style.setdefault("may_be_empty", not field.required)
    elif not field.initial:
        field.initial = field.to_representation(default)


def _default(field: Any) -> Any:
    """The default of a field; None without one, or if DRF takes it from the request."""
    if field.default is empty or getattr(field.default, "requires_context", False):
        return None
    return field.default() if callable(field.default) else field.default
