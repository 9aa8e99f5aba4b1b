"""Build a form from a JSON Schema: one field per property. Nested fields are named by their path.

The form only parses and shows values; the kind's inspector validates them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from django import forms
from rest_framework.exceptions import ParseError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from jobs.admin.job_page import formatted
from jobs.http.parsers import read_json
from jobs.payloads.masking import MASK

#: The name of the field that holds a whole payload.
WHOLE_PAYLOAD: Final = "payload"


class PayloadForm(forms.Form):
    """A form for a payload, which `payload()` returns. Without a schema, it is one field with JSON."""

    def __init__(self, *args: Any, value: Any, schema: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.value = value
        leaves = dict(_leaves(schema or {}, ()))
        self.leaves = {path: each for path, each in leaves.items() if _fits_in_field(_get_at(value, path), each)}
        if not self.leaves:
            self.fields[WHOLE_PAYLOAD] = JSONText(initial=value, label="Payload", required=True)
        for path, described in self.leaves.items():
            self.fields["/".join(path)] = _field(path, described, _get_at(value, path))

    def payload(self) -> Any:
        """The payload as entered. Values that the schema does not describe are kept; empty fields are omitted."""
        if not self.leaves:
            return self.cleaned_data[WHOLE_PAYLOAD]
        entered = deepcopy(self.value)
        changed = set(self.changed_data)
        for path in self.leaves:
            if (name := "/".join(path)) in changed:
                _set_at(entered, path, self.cleaned_data[name])
        return entered

    def add_payload_errors(self, errors: list[dict[str, str]]) -> None:
        """Show each error beside its field."""
        for error in errors:
            name = error["pointer"].removeprefix("/")
            if name in self.fields:
                self.add_error(name, error["detail"])
            else:
                self.add_error(None, f"{error['pointer']}: {error['detail']}" if name else error["detail"])


class JSONText(forms.JSONField):
    """A field of indented JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "spellcheck": "false"}), **kwargs)

    def to_python(self, value: Any) -> Any:
        """Parse by the rules of the API's bodies."""
        if not isinstance(value, str) or not value.strip():
            return None
        try:
            return read_json(value.encode(errors="surrogatepass"))
        except ParseError as error:
            raise forms.ValidationError(str(error.detail)) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show the input again, even if it is not JSON."""
        return data

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else formatted(value)


def _leaves(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, described in schema.get("properties", {}).items():
        if described.get("properties"):
            yield from _leaves(described, (*path, name))
        elif not described.get("readOnly"):
            yield (*path, name), described


def _fits_in_field(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value can be shown in a field. A masked secret that is not text cannot; it is edited as JSON."""
    return value != MASK or (schema.get("type") in ("string", ["string", "null"]) and "enum" not in schema)


def _field(path: tuple[str, ...], schema: Mapping[str, Any], value: Any) -> forms.Field:
    options: dict[str, Any] = {
        "label": schema.get("title") or " → ".join(path),
        "help_text": schema.get("description", "").partition("* `")[0],  # drf-spectacular lists the choices there
        "initial": value,
        "required": False,
    }
    types = schema.get("type", "")
    kinds = set(types if isinstance(types, list) else [types]) - {"null"}
    if "enum" in schema:
        values = {str(choice): choice for choice in schema["enum"] if choice is not None}
        choices = [(text, text if text.strip() else repr(text)) for text in values]

        def coerce(chosen: Any) -> Any:
            if str(chosen) not in values:  # the current value may no longer be a choice
                raise ValueError(chosen)
            return values[str(chosen)]

        return forms.TypedChoiceField(
            choices=[("", "—"), *choices], coerce=coerce, empty_value=None, widget=UnfoldAdminSelectWidget(), **options
        )
    if kinds == {"boolean"}:
        return forms.BooleanField(widget=UnfoldBooleanWidget(), **options)
    if kinds == {"integer"}:
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **options)
    if kinds == {"number"}:
        return forms.FloatField(widget=UnfoldAdminDecimalFieldWidget(), **options)
    if kinds == {"string"}:
        widget = UnfoldAdminTextInputWidget(attrs={"type": "date"} if schema.get("format") == "date" else None)
        return forms.CharField(strip=False, empty_value=None, widget=widget, **options)
    return JSONText(**options)


def _get_at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _set_at(value: Any, path: tuple[str, ...], new: Any) -> None:
    *above, name = path
    for step in above:
        if not isinstance(value.get(step), dict):
            value[step] = {}
        value = value[step]
    if new is None:
        value.pop(name, None)
    else:
        value[name] = new
