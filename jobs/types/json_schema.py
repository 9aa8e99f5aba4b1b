"""The JSON Schema of what a serializer reads, as drf-spectacular maps it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.serializers import Serializer
from rest_framework.views import APIView


def serializer_schema(serializer: Serializer[Any]) -> dict[str, Any]:
    """JSON Schema 2020-12 of what a serializer reads."""
    schema = AutoSchema()
    schema.view = APIView(request=None, format_kwarg=None)  # drf-spectacular maps serializers of views only
    schema.registry = ComponentRegistry()
    mapped = schema._map_basic_serializer(serializer, "request")  # type: ignore[no-untyped-call]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **mapped, "additionalProperties": False}
