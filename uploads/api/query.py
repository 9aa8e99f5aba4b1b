"""The query string of `POST /api/uploads`."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import QueryDict
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.resources.schema import shown_types
from jobs.http.strict import StrictSerializer, read_query
from jobs.types.callback_fields import CallbackURLField
from tabular.decoding import DECLARABLE, codec_of
from tabular.dialect import DELIMITERS
from tabular.refusals import RecognitionError
from uploads.headings import HeadingsField
from uploads.ordering import MODES

#: Of a JSON text in the query string, in characters.
LONGEST_QUERY: Final = 6_000


@extend_schema_field({"type": "string", "enum": list(DECLARABLE)})
class EncodingField(serializers.CharField):
    """The name of an encoding, also one of IANA's; becomes that of Python's codec."""

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError."""
        name: str = super().to_internal_value(data)
        try:
            return codec_of(name)
        except RecognitionError as error:
            raise serializers.ValidationError(error.detail) from None


@extend_schema_field({"type": "string", "maxLength": LONGEST_QUERY})
class HeadingsQueryField(HeadingsField):
    """`headings` as the JSON text that a query string can carry."""

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        """Raises ValidationError."""
        try:
            if len(data) > LONGEST_QUERY:
                raise ValueError
            parsed = json.loads(data)
        except (ValueError, RecursionError):
            raise serializers.ValidationError("This is not a JSON object.") from None
        return super().to_internal_value(parsed)


class UploadTypeField(serializers.CharField):
    """The identifier of an upload type."""


class UploadTypeScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Shows the types that the reader of the schema may upload."""

    target_class = UploadTypeField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """A text without a list of values if the reader may upload none."""
        known = [one.identifier for one in shown_types(auto_schema.view.resource, auto_schema.view.request)]
        return {"type": "string", "maxLength": 100, **({"enum": known} if known else {})}


class UploadQuery(StrictSerializer):
    """How to treat the file."""

    uploadType = UploadTypeField(max_length=100, trim_whitespace=False)
    encoding = EncodingField(
        required=False,
        max_length=30,
        help_text="encoding of the file; overrides `charset`; if omitted, it is found out",
    )
    delimiter = serializers.ChoiceField(choices=DELIMITERS, required=False, help_text="if omitted, it is found out")
    headings = HeadingsQueryField(
        required=False,
        help_text="JSON object: heading in the file → heading of the type's column, or null to ignore the column. A "
        "correction takes those of the upload that it corrects, unless it has its own.",
    )
    mode = serializers.ChoiceField(
        choices=MODES,
        default="atomic",
        help_text="`atomic`: one rejected row, and nothing is written. `partial`: all other rows are written.",
    )
    dryRun = serializers.ChoiceField(
        choices=("true", "false"), default="false", help_text="check and plan only; write nothing"
    )
    plan = serializers.RegexField(
        r"^[0-9A-Za-z_-]{1,128}$",
        required=False,
        help_text="`planDigest` of a dry run; another plan is refused",
    )
    corrects = serializers.UUIDField(
        required=False, help_text="your upload of the same type whose rejected rows this file contains, corrected"
    )
    callbackURL = CallbackURLField(
        required=False, help_text="the URL to notify when the job ends; if omitted, the URL in your settings is used"
    )


def read_order(query: QueryDict) -> dict[str, Any]:
    """The order without its file, for `UploadOrdering`. Raises ValidationError, with the parameters as keys."""
    asked = UploadQuery(data=read_query(query))
    asked.is_valid(raise_exception=True)
    given: dict[str, Any] = asked.validated_data
    order: dict[str, Any] = {
        "uploadType": given["uploadType"],
        "csv": {name: given.get(name) for name in ("encoding", "delimiter")},
        "mode": given["mode"],
        "dryRun": given["dryRun"] == "true",
        "plan": given.get("plan"),
        "corrects": None,
    }
    if "headings" in given:
        order["csv"]["headings"] = given["headings"]
    if "corrects" in given:
        order["corrects"] = str(given["corrects"])
    if "callbackURL" in given:
        order["callbackURL"] = given["callbackURL"]
    return order
