"""The order in the OpenAPI schema: one variant for each type, with the type's own parameters."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiSerializerExtension

from jobs.api.resources.resource import JobResource
from jobs.kinds import get_kind
from jobs.tokens.scopes import may, token_of
from jobs.types.base import JobType
from jobs.types.json_schema import serializer_schema


class OrderScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Shows the types that the user may order or, in a file, those that every signed-in user may order."""

    target_class = "jobs.types.ordering.Order"
    match_subclasses = True
    priority = 1

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """`oneOf` the types; the other members are the same for all."""
        resource: JobResource = auto_schema.view.resource
        member = resource.types.member
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        rest = {name: part for name, part in mapped["properties"].items() if name not in (member, "parameters")}
        types = shown_types(resource, auto_schema.view.request)
        one_of = [_order_of(known, member, rest) for known in types]
        return {"oneOf": one_of, "required": [member]} if types else mapped


def shown_types(resource: JobResource, request: Any) -> list[JobType]:
    """The types that the reader of the schema may order or, in a file, those that every signed-in user may order."""
    if request.is_for_file:
        return resource.types.orderable_by(AnonymousUser())
    if not request.user.is_authenticated or not may(token_of(request), get_kind(resource.kind).scopes.read):
        return []
    return resource.types.orderable_by(request.user)


def _order_of(job_type: JobType, member: str, rest: dict[str, Any]) -> dict[str, Any]:
    parameters = {name: part for name, part in serializer_schema(job_type.Parameters()).items() if name != "$schema"}
    return {
        "type": "object",
        "title": job_type.identifier,
        "properties": {member: {"type": "string", "const": job_type.identifier}, "parameters": parameters, **rest},
        "required": [member, *(["parameters"] if parameters.get("required") else [])],
        "additionalProperties": False,
    }
