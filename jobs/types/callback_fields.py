"""The serializer field for callback URLs."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.http.strict import StrictCharField
from jobs.models.callbacks import LONGEST_URL
from jobs.outbound.urls import InvalidCallbackURLError, canonical_url

#: For the schema: a subset that is always accepted. Ports and international names are accepted, too.
PUBLIC_URL: Final = r"^https://[a-z]{2,20}(\.[a-z]{2,20}){1,3}(/[A-Za-z0-9_-]{0,40}){0,3}(\?[a-z0-9=&]{1,40})?$"
EXAMPLE: Final = "https://hooks.example.com/longhaul"


@extend_schema_field(
    {"type": "string", "format": "uri", "pattern": PUBLIC_URL, "maxLength": LONGEST_URL, "example": EXAMPLE}
)
class CallbackURLField(StrictCharField):
    """Converts a URL to its canonical form, without resolving its host."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_URL, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError."""
        try:
            return canonical_url(super().to_internal_value(data))
        except InvalidCallbackURLError as error:
            raise serializers.ValidationError(str(error)) from None
