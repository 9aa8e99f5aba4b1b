"""The `csv` object: how the file of an order is written."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from jobs.http.strict import StrictBooleanField, StrictSerializer
from tabular.dialect import COMPRESSIONS, DELIMITERS, ENCODINGS, ERRORS, Dialect


@extend_schema_serializer(component_name="CSV")
class DialectSerializer(StrictSerializer):
    """The `csv` object of an order."""

    encoding = serializers.ChoiceField(choices=ENCODINGS, default=Dialect.encoding)
    delimiter = serializers.ChoiceField(choices=DELIMITERS, default=Dialect.delimiter)
    spreadsheetSafe = StrictBooleanField(
        default=Dialect.spreadsheetSafe,
        help_text="Put an apostrophe before text that a spreadsheet would run as a formula.",
    )
    compression = serializers.ChoiceField(choices=COMPRESSIONS, default=Dialect.compression)
    errors = serializers.ChoiceField(  # type: ignore[assignment]  # DRF takes fields off the class
        choices=ERRORS,
        default=Dialect.errors,
        help_text="What to do about a character that the encoding lacks: fail, or write a question mark.",
    )
