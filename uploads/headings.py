"""Headings of a file that its sender has matched to columns of the type by hand: `headings` of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from jobs.models import Job
from tabular.headings import normalize
from uploads.types import UPLOAD_TYPES

#: Heading in the file → heading of a column of the type; None: the column of the file is ignored.
Headings = Mapping[str, str | None]
#: The most headings of an order. A file has at most 400 columns.
MOST_HEADINGS: Final = 400
#: Characters.
LONGEST_HEADING: Final = 300


class HeadingsField(serializers.DictField):
    """`headings` of an order."""

    child = serializers.CharField(max_length=LONGEST_HEADING, allow_null=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        """Raises ValidationError, also if there are too many of them, or one is too long."""
        headings: dict[str, str | None] = super().to_internal_value(data)
        if len(headings) > MOST_HEADINGS or any(len(heading) > LONGEST_HEADING for heading in headings):
            raise serializers.ValidationError(
                f"There may be {MOST_HEADINGS} headings, each of {LONGEST_HEADING} characters at most."
            )
        return headings


def refuse_unknown_columns(order: Mapping[str, Any]) -> None:
    """Raise DRF's ValidationError if the order matches a heading to a column that its type does not have."""
    upload_type = UPLOAD_TYPES.find(order["uploadType"])
    if upload_type is None or not (headings := order.get("csv", {}).get("headings")):
        return
    columns = {normalize(name) for names in upload_type.known_headings().values() for name in names}
    for column in headings.values():
        if column and normalize(column) not in columns:
            raise serializers.ValidationError({"headings": [f"The upload type has no column {column!r}."]})


def headings_of(upload_id: Any) -> Headings | None:
    """Those of the order of an upload. One query."""
    return Job.objects.filter(pk=upload_id).values_list("payload__csv__headings", flat=True).first()
