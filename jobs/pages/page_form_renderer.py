"""DRF's renderer of HTML forms with our templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template import loader
from rest_framework import serializers
from rest_framework.renderers import HTMLFormRenderer
from rest_framework.utils.field_mapping import ClassLookupDict
from rest_framework.utils.serializer_helpers import BoundField, NestedBoundField

from jobs.pages.lookups import Lookup, is_lookup
from jobs.pages.order_form import OrderForm, own_errors

DECIMAL_STYLE = {"base_template": "input.html", "input_type": "number", "step": "any"}
API_ONLY_STYLE = {"base_template": "api_only.html"}
STYLES: dict[Any, dict[str, Any]] = {
    **HTMLFormRenderer.default_style.mapping,
    serializers.FloatField: DECIMAL_STYLE,
    serializers.DecimalField: DECIMAL_STYLE,
    serializers.DictField: API_ONLY_STYLE,
    serializers.ListField: API_ONLY_STYLE,
    serializers.ListSerializer: API_ONLY_STYLE,
}


class PageFormRenderer(HTMLFormRenderer):
    """Number inputs for decimals, and lookups for rows of a table. `lookup` is the address that finds them."""

    template_pack = "jobs/fields/"
    default_style = ClassLookupDict(STYLES)

    def __init__(self, *, lookup: str) -> None:
        self.lookup = lookup

    def render_field(self, field: BoundField, parent_style: Mapping[str, Any]) -> str:
        """A group gets its own context, because in templates `group.label` would mean its field named "label"."""
        if not isinstance(field, NestedBoundField):
            if is_lookup(field._field):
                self._look_up(field)
            return str(super().render_field(field, parent_style))
        context = {
            "legend": field.label,
            "is_open": bool(field.errors) or field.context.get("format_open", False) or not _is_default(field),
            "errors": [mistake.message for mistake in own_errors(field.errors)],
            "fields": list(field.as_form_field()),
            "style": {**parent_style, "renderer": self},
        }
        template = field.style.get("base_template", "fieldset.html")
        return loader.get_template(f"{self.template_pack}{template}").render(context)

    def _look_up(self, field: BoundField) -> None:
        found = Lookup(field._field)
        chosen = field.value in (None, "")
        field._field.style = {
            **field._field.style,
            "base_template": "lookup.html",
            "options": found.options,
            "label": "" if chosen or found.options is not None else found.label_of(field.value),
            "address": f"{self.lookup}&field={field.name.removeprefix('parameters.')}",
        }


def render_form(form: OrderForm, *, lookup: str) -> str:
    """The form's fields as safe HTML. One query for each lookup, and one more for the chosen row of a long table."""
    form.dress()
    return PageFormRenderer(lookup=lookup).render(form.data)


def _is_default(group: Any) -> bool:
    """Whether the values are those of a new form. Values that a form has sent are texts."""
    return all(_as_text(field.value) == _as_text(field.initial) for field in group)


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).lower()
