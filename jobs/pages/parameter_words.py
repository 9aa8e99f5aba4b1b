"""The parameters of an order in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from jobs.joining import join_words
from jobs.types.base import JobType


def parameters_in_words(job_type: JobType | None, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value of each parameter that was given, in the order of the form.

    Parameters that the type no longer has come last, under their names.
    """
    fields = job_type.Parameters().fields if job_type else {}
    known = [name for name in fields if name in parameters]
    return [
        (str(getattr(fields.get(name), "label", None) or name), _value_in_words(fields.get(name), parameters[name]))
        for name in [*known, *sorted(set(parameters) - set(known))]
        if parameters[name] not in (None, "", [])
    ]


def _value_in_words(field: Any, value: Any) -> str:
    match value:
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            return join_words(_value_in_words(field, item) for item in value)
        case dict():
            fields = getattr(field, "fields", {})
            return join_words(f"{name}: {_value_in_words(fields.get(name), part)}" for name, part in value.items())
    if isinstance(field, serializers.RelatedField):
        return str(value)  # its choices are all rows of its table
    return str(getattr(field, "choices", {}).get(value, value))
