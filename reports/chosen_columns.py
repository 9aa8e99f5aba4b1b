"""The columns that an order chooses by their headings, and their places in the query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from django.utils import translation
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.errors import PermanentError
from jobs.http.strict import StrictCharField
from reports.types import ReportType

#: PostgreSQL's limit for the columns of a result.
MOST_COLUMNS: Final = 1664
LONGEST_HEADING: Final = 1000


class UnknownColumnError(PermanentError):
    """The query has no column with a chosen heading, or several."""

    def __init__(self, heading: str, *, count: int) -> None:
        reason = f"has {count} columns" if count else "has no column"
        super().__init__(f"The report {reason} with the heading “{heading}”.", code="unknown-column")


@extend_schema_field(
    {
        "type": ["array", "null"],
        "items": {"type": "string", "maxLength": LONGEST_HEADING},
        "minItems": 1,
        "maxItems": MOST_COLUMNS,
        "uniqueItems": True,
    }
)
class ColumnsField(serializers.ListField):
    """Headings, without repeats; null: all columns."""

    child = StrictCharField(trim_whitespace=False, max_length=LONGEST_HEADING, allow_blank=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty=False, max_length=MOST_COLUMNS, allow_null=True, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        """Raises ValidationError under the index of a heading that repeats an earlier one."""
        headings: list[str] = super().to_internal_value(data)
        again = {
            str(index): ["This heading is already in the list."]
            for index, heading in enumerate(headings)
            if heading in headings[:index]
        }
        if again:
            raise serializers.ValidationError(again)
        return headings


def check_chosen(report_type: ReportType, chosen: Sequence[str]) -> None:
    """Raise ValidationError by index if the headings of the type are known, and a chosen one is not among them."""
    known = report_type.known_headings
    if known and (wrong := [index for index, heading in enumerate(chosen) if heading not in known]):
        text = f"There is no such column. The columns are: {', '.join(known)}."
        raise serializers.ValidationError({str(index): [text] for index in wrong})


def positions_of(chosen: Sequence[str], headings: Sequence[str]) -> list[int]:
    """The place of each chosen heading among all. Raises UnknownColumnError if it has none, or several."""
    counted = Counter(headings)
    for heading in chosen:
        if counted[heading] != 1:
            raise UnknownColumnError(heading, count=counted[heading])
    return [headings.index(heading) for heading in chosen]


def in_current_language(report_type: ReportType, chosen: Sequence[str], *, language: str | None) -> list[str]:
    """Headings of an order that was made in another language, as far as those of its type are known."""
    with translation.override(language):
        former = report_type.known_headings
    known = dict(zip(former, report_type.known_headings, strict=True))
    return [known.get(heading, heading) for heading in chosen]
