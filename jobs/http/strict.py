"""Serializers, fields and queries that refuse unknown or ambiguous input instead of ignoring it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.utils.html import is_html_input


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields: a misspelled option must not be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        refuse_unknown(data, self.fields)
        return super().to_internal_value(data)


def refuse_unknown(data: Any, fields: Any) -> None:
    """Raise ValidationError for keys of `data` that are not fields."""
    if isinstance(data, dict) and (unknown := sorted(set(data) - set(fields))):
        raise serializers.ValidationError({str(name): ["There is no such field."] for name in unknown})


def read_query(query: QueryDict, *, repeatable: Collection[str] = ()) -> dict[str, Any]:
    """The query string as serializer input. Raises ValidationError for repeated parameters not in `repeatable`."""
    if repeated := [name for name in query if name not in repeatable and len(query.getlist(name)) > 1]:
        raise serializers.ValidationError({name: ["It may be given only once."] for name in repeated})
    return {name: query.getlist(name) if name in repeatable else query[name] for name in query}


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false`; DRF also accepts 1, "yes" and the like. In an HTML form, it is a checkbox."""

    def get_value(self, dictionary: Any) -> Any:
        """A checkbox sends text."""
        value = super().get_value(dictionary)
        return value in self.TRUE_VALUES if is_html_input(dictionary) and isinstance(value, str) else value

    def to_internal_value(self, data: Any) -> bool:
        """Raises ValidationError unless `data` is a boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictCharField(serializers.CharField):
    """A string; DRF also accepts numbers."""

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError unless `data` is a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A whole number; DRF also accepts strings that look like one."""

    def to_internal_value(self, data: Any) -> int:
        """Raises ValidationError unless `data` is a whole number; `7.0` is one (RFC 8259 has one type of numbers)."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)
