"""Problems as the OpenAPI schema documents them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class Problem(serializers.Serializer[Any]):
    """A problem object (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(  # type: ignore[assignment]  # DRF takes fields off the class
        child=serializers.DictField(), required=False
    )


#: What any resource may answer.
PROBLEMS = {
    400: OpenApiResponse(Problem, "Not valid; `errors` says where."),
    401: OpenApiResponse(Problem, "Not signed in."),
    404: OpenApiResponse(Problem, "There is none, or it is somebody else's."),
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How the schema names our tokens."""

    target_class = "jobs.tokens.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """RFC 6750."""
        return {"type": "http", "scheme": "bearer", "description": "From `POST /api/tokens`, or the page of tokens."}
