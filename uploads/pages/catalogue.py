"""Upload types in words: what a file of each must look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from uploads.schemas import table_schema
from uploads.types import UploadType

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: Type of Table Schema → words.
_TYPES: Final[Mapping[str, _StrOrPromise]] = {
    "integer": _("whole number"),
    "number": _("number"),
    "boolean": _("yes or no"),
    "date": _("date"),
    "datetime": _("date and time"),
    "time": _("time"),
    "string": _("text"),
    "any": _("JSON"),
}
_MODES: Final[Mapping[str, _StrOrPromise]] = {
    "insert": _("Adds new rows. A row that the table already has is an error."),
    "update": _("Changes rows that the table has. A new row is an error."),
    "upsert": _("Adds new rows, and changes those that the table already has."),
}
#: So many allowed words of a column are named.
_MOST_WORDS: Final = 10


@dataclass(frozen=True)
class ShownColumn:
    """A column of the file."""

    heading: str
    kind: _StrOrPromise
    is_required: bool
    is_key: bool
    description: str
    words: Sequence[str]
    has_more_words: bool


@dataclass(frozen=True)
class ShownType:
    """An upload type as the pages describe it."""

    upload_type: UploadType
    columns: Sequence[ShownColumn]
    does: _StrOrPromise

    @property
    def headings(self) -> Sequence[str]:
        """The headings of the required columns, then those of the others."""
        ordered = sorted(self.columns, key=lambda column: not column.is_required)
        return [column.heading for column in ordered]

    @property
    def has_parameters(self) -> bool:
        """Whether an order has anything to fill in."""
        return bool(self.upload_type.Parameters().fields)


def show_type(upload_type: UploadType) -> ShownType:
    """Asks no database."""
    schema = table_schema(upload_type)
    keys = schema.get("primaryKey", ())
    columns = [_column(field, is_key=field["name"] in keys) for field in schema["fields"]]
    return ShownType(upload_type, columns, _MODES[upload_type.mode])


def _column(field: Mapping[str, Any], *, is_key: bool) -> ShownColumn:
    words = [str(word) for word in field["constraints"].get("enum", ())]
    return ShownColumn(
        heading=field["name"],
        kind=_TYPES.get(field["type"], field["type"]),
        is_required=bool(field["constraints"].get("required")),
        is_key=is_key,
        description=field.get("description", ""),
        words=words[:_MOST_WORDS],
        has_more_words=len(words) > _MOST_WORDS,
    )
