"""The URL of a callback as a member of a request."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.webhooks.models import LONGEST_URL
from jobs.webhooks.urls import InvalidCallbackURLError, canonical_url


class CallbackURLField(serializers.CharField):
    """In its canonical form. Its name is not resolved."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_URL, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError."""
        try:
            return canonical_url(super().to_internal_value(data))
        except InvalidCallbackURLError as error:
            raise serializers.ValidationError(str(error)) from None
