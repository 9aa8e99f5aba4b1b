"""The order as the OpenAPI schema describes it: one shape for each report type, with the type's own parameters."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiSerializerExtension

from jobs.tokens.scopes import may, token_of
from jobs.types.json_schema import serializer_schema
from reports.kind import REPORT
from reports.types import REPORT_TYPES, ReportType


class OrderScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Of the types that the user may order; in a file, of those that everybody may order who is signed in."""

    target_class = "reports.ordering.ReportOrderSerializer"
    priority = 1

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """`oneOf` the types; the rest of the order is the same for all."""
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        rest = {name: part for name, part in mapped["properties"].items() if name not in ("reportType", "parameters")}
        types = _shown_types(auto_schema.view.request)
        return {"oneOf": [_order_of(known, rest) for known in types], "required": ["reportType"]} if types else mapped


def _shown_types(request: Any) -> list[ReportType]:
    if request.is_for_file:
        return REPORT_TYPES.orderable_by(AnonymousUser())
    if not request.user.is_authenticated or not may(token_of(request), REPORT.scopes.read):
        return []
    return REPORT_TYPES.orderable_by(request.user)


def _order_of(report_type: ReportType, rest: dict[str, Any]) -> dict[str, Any]:
    parameters = {name: part for name, part in serializer_schema(report_type.Parameters()).items() if name != "$schema"}
    return {
        "type": "object",
        "title": report_type.identifier,
        "properties": {
            "reportType": {"type": "string", "const": report_type.identifier},
            "parameters": parameters,
            **rest,
        },
        "required": ["reportType", *(["parameters"] if parameters.get("required") else [])],
        "additionalProperties": False,
    }
