"""Problems, headers and bodies in the OpenAPI schema; `jobs.api.openapi` adds what all operations share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from jobs.http.preferences import PREFER


class InvalidMember(serializers.Serializer[Any]):
    """One error in the request, and its place."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body, or the name of a parameter")
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem object (RFC 9457)."""

    type = serializers.CharField(help_text="URL of the explanation of the code")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="for people")
    code = serializers.CharField(help_text="for programs")
    errors = InvalidMember(many=True, required=False)  # type: ignore[assignment]  # DRF takes fields off the class


def problem(description: str) -> OpenApiResponse:
    """A problem among the documented responses of an operation."""
    return OpenApiResponse(Problem, description)


def response_header(name: str, description: str, *, of: Iterable[int]) -> OpenApiParameter:
    """A header of the responses with these statuses."""
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, response=[str(status) for status in of], description=description
    )


#: The headers of an order: how long it may wait, where its job is, and what its answer shows.
ACCEPTED_HEADERS = (
    PREFER,
    response_header("Location", "URL of the status, for polling.", of=[200, 202]),
    response_header(
        "Operation-Location", "URL of the job as an operation, for clients of that pattern.", of=[200, 202]
    ),
    response_header("Content-Location", "URL of what the body shows.", of=[200]),
    response_header("Preference-Applied", "`wait=10`: the preference that was applied (RFC 7240).", of=[200]),
)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Bearer tokens in the schema."""

    target_class = "jobs.tokens.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """RFC 6750."""
        return {"type": "http", "scheme": "bearer", "description": "From `POST /api/tokens` or the page *API tokens*."}


class StrictScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A strict serializer accepts no unknown members."""

    target_class = "jobs.http.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """The usual mapping, without additional properties."""
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**mapped, "additionalProperties": False}
