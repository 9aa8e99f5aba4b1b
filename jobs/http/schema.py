"""What the OpenAPI schema says of problems, headers and bodies; `jobs.api.openapi` adds what all operations share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class InvalidMember(serializers.Serializer[Any]):
    """Where something is wrong, and what."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body, or the name of a parameter")
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem object (RFC 9457)."""

    type = serializers.CharField(help_text="the address of the explanation of the code")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="for people")
    code = serializers.CharField(help_text="for programs")
    errors = InvalidMember(many=True, required=False)  # type: ignore[assignment]  # DRF takes fields off the class


def problem(description: str) -> OpenApiResponse:
    """A response that is a problem, as an operation's own documentation of it."""
    return OpenApiResponse(Problem, description)


def response_header(name: str, description: str, *, of: Iterable[int]) -> OpenApiParameter:
    """A header of the responses with these statuses."""
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, response=[str(status) for status in of], description=description
    )


#: Of a 202: where to ask how far it is.
ACCEPTED_HEADERS = (
    response_header("Location", "The status: poll it.", of=[202]),
    response_header("Operation-Location", "The same as an operation, for clients that know this pattern.", of=[202]),
)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How the schema names our tokens."""

    target_class = "jobs.tokens.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """RFC 6750."""
        return {"type": "http", "scheme": "bearer", "description": "From `POST /api/tokens`, or the page of tokens."}


class StrictScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A strict serializer takes no member that it does not name."""

    target_class = "jobs.http.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """As any other, and closed."""
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**mapped, "additionalProperties": False}
