"""Bodies and queries in which nothing is ignored."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt option must not be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        refuse_unknown(data, self.fields)
        return super().to_internal_value(data)


def refuse_unknown(data: Any, fields: Any) -> None:
    """Raise ValidationError for keys of `data` that are no field."""
    if isinstance(data, dict) and (unknown := sorted(set(data) - set(fields))):
        raise serializers.ValidationError({str(name): ["There is no such field."] for name in unknown})
