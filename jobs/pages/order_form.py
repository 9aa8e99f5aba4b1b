"""The order form: the type's own serializer, rendered by DRF's renderer of HTML forms.

DRF also reads HTML forms (`parameters.year=2023`; an empty optional input counts as left out, an unticked box as
False), so no code here parses fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.http import QueryDict
from django.template import loader
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.renderers import HTMLFormRenderer
from rest_framework.utils.field_mapping import ClassLookupDict
from rest_framework.utils.html import parse_html_dict
from rest_framework.utils.serializer_helpers import BoundField, NestedBoundField

from jobs.http.problems import pointers
from jobs.pages.relative_controls import chosen_moments, enter_moments, offer_moments
from jobs.types.base import JobType
from jobs.types.canonical import canonical
from jobs.types.secret_parameters import HasParameters, is_secret_field, without_secrets


class OrderForm(serializers.Serializer[Any]):
    """An order without its type, which is in `context`: `parameters`, and a group for each field of a subclass."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"parameters": self.context["job_type"].Parameters(label="Parameters")}
        fields |= super().get_fields()
        for group in fields.values():
            _dress_all(group, type(self.context["job_type"]))
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

    @classmethod
    def blank(cls, job_type: JobType) -> Self:
        """An empty form, which shows the defaults."""
        return cls(context={"job_type": job_type})

    @classmethod
    def entered(cls, job_type: JobType, posted: QueryDict) -> Self:
        """A form that a user has sent. It is validated: `errors` says what is wrong."""
        entered = {name: parse_html_dict(posted, prefix=name) for name in cls._groups()}
        relative = chosen_moments(posted, type(job_type))
        enter_moments(entered["parameters"], type(job_type), relative)
        return cls.filled(job_type, entered, relative=relative)

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
        context = {"job_type": job_type, "relative": dict(relative or {}), "format_open": format_open}
        form = cls(data={name: order[name] for name in cls._groups()}, context=context)
        form.is_valid()
        return form

    @classmethod
    def like(cls, job_type: JobType, payload: Mapping[str, Any], *, format_open: bool = False) -> Self:
        """A form with the order of a job, without its secrets, which must be entered again."""
        parameters = without_secrets(type(job_type), payload["parameters"])
        return cls.filled(job_type, {**payload, "parameters": parameters}, format_open=format_open)

    @classmethod
    def _groups(cls) -> list[str]:
        return ["parameters", *cls._declared_fields]


DECIMAL_STYLE = {"base_template": "input.html", "input_type": "number", "step": "any"}
API_ONLY_STYLE = {"base_template": "api_only.html"}
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
STYLES: dict[Any, dict[str, Any]] = {
    **HTMLFormRenderer.default_style.mapping,
    serializers.FloatField: DECIMAL_STYLE,
    serializers.DecimalField: DECIMAL_STYLE,
    serializers.DictField: API_ONLY_STYLE,
    serializers.ListField: API_ONLY_STYLE,
    serializers.ListSerializer: API_ONLY_STYLE,
}


class PageFormRenderer(HTMLFormRenderer):
    """DRF's renderer with our templates, and number inputs for decimals."""

    template_pack = "jobs/fields/"
    default_style = ClassLookupDict(STYLES)

    def render_field(self, field: BoundField, parent_style: Mapping[str, Any]) -> str:
        """A group gets its own context, because in templates `group.label` would mean its field named "label"."""
        if not isinstance(field, NestedBoundField):
            return str(super().render_field(field, parent_style))
        context = {
            "legend": field.label,
            "is_open": bool(field.errors) or field.context.get("format_open", False) or not _is_default(field),
            "errors": [mistake.message for mistake in _own_errors(field.errors)],
            "fields": list(field.as_form_field()),
            "style": {**parent_style, "renderer": self},
        }
        template = field.style.get("base_template", "fieldset.html")
        return loader.get_template(f"{self.template_pack}{template}").render(context)


def render_form(form: OrderForm) -> str:
    """The form's fields as safe HTML."""
    return PageFormRenderer().render(form.data)


@dataclass(frozen=True)
class Mistake:
    """One line of the summary of errors. `target` is the id of the input, if it belongs to one."""

    target: str
    label: str
    message: str


def mistakes(form: OrderForm) -> list[Mistake]:
    """All errors of a validated form, in the order of its fields."""
    return [*_own_errors(form.errors), *_field_errors(form)]


def _field_errors(fields: Any) -> Iterator[Mistake]:
    for field in fields:
        if isinstance(field, NestedBoundField):
            yield from _own_errors(field.errors)
            yield from _field_errors(field)
        elif field.errors:
            for error in pointers(field.errors):
                yield Mistake(field.name, str(field.label), error["detail"])


def _own_errors(errors: Any) -> Iterator[Mistake]:
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


def _is_default(group: Any) -> bool:
    """Whether the values are those of a new form. Values that a form has sent are texts."""
    return all(_as_text(field.value) == _as_text(field.initial) for field in group)


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).lower()


def _default(field: Any) -> Any:
    """The default of a field; None without one, or if DRF takes it from the request."""
    if field.default is empty or getattr(field.default, "requires_context", False):
        return None
    return field.default() if callable(field.default) else field.default
