"""The canonical JSON of the parameters of an order, which the same serializer accepts again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty


def canonical(serializer: Any, validated: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """The validated values, field by field: `"2023"` becomes 2023, and defaults are filled in.

    Unlike `to_representation`, this includes write-only fields. A value that the serializer removed from `validated`,
    such as a repeated password, is taken from `given`, because validating the order again needs it.
    """
    values: dict[str, Any] = {}
    for name, field in serializer.fields.items():
        if field.read_only or isinstance(field, serializers.HiddenField):
            continue
        raw = field.get_value(given) if isinstance(given, Mapping) else empty
        try:
            values[name] = _value(field, _attribute(field, validated), raw)
        except KeyError:  # an optional field that was omitted, or one that the serializer removed
            if isinstance(raw, str | int | float | bool):
                values[name] = raw
    if type(serializer).to_representation is not serializers.Serializer.to_representation:
        values |= serializer.to_representation(validated)  # the serializer customizes its JSON
    return values


def _attribute(field: Any, validated: Any) -> Any:
    """Like DRF's `get_attribute`, which however returns None for an omitted field that allows null."""
    for step in field.source_attrs:  # empty if the source is "*"
        validated = validated[step]
    return validated


def _value(field: Any, value: Any, given: Any) -> Any:
    match field:
        case _ if value is None:
            return None
        case serializers.ListSerializer() | serializers.ListField():
            parts = given if isinstance(given, list) and len(given) == len(value) else [empty] * len(value)
            return [_value(field.child, part, raw) for part, raw in zip(value, parts, strict=True)]
        case serializers.DictField():
            return {str(name): _value(field.child, part, empty) for name, part in value.items()}
        case serializers.Serializer():
            return canonical(field, value, given)
    shown = field.to_representation(value)
    return sorted(shown, key=str) if isinstance(shown, set | frozenset) else shown
