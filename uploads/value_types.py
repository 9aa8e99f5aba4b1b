"""What the cells of a column hold: the field that they are read for, and its type in the words of the messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.db import models

if TYPE_CHECKING:
    from uploads.columns import Column

#: Internal type of a model field → type of its cells: "text", or a key of `uploads.row_codes.TYPES`.
VALUE_TYPES: Final = {
    "AutoField": "integer",
    "BigAutoField": "integer",
    "BigIntegerField": "integer",
    "BooleanField": "boolean",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "datetime",
    "DecimalField": "decimal",
    "DurationField": "duration",
    "EmailField": "text",
    "FloatField": "float",
    "GenericIPAddressField": "ip-address",
    "IntegerField": "integer",
    "JSONField": "json",
    "PositiveBigIntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "SlugField": "text",
    "SmallAutoField": "integer",
    "SmallIntegerField": "integer",
    "TextField": "text",
    "TimeField": "time",
    "URLField": "text",
    "UUIDField": "uuid",
}

AnyField: TypeAlias = "models.Field[Any, Any]"


def value_type(field: AnyField) -> str | None:
    """The type of the cells of a field; None: a cell cannot be read for such a field."""
    if getattr(field, "generated", False):
        return None
    return VALUE_TYPES.get(field.get_internal_type())


def concrete_field(model: type[models.Model], name: str) -> AnyField | None:
    """The field of this name that has a column in the model's table; None if there is none.

    Neither `pk` nor the attribute of a foreign key (`product_id`) is the name of a field.
    """
    return next((field for field in model._meta.concrete_fields if field.name == name), None)


def spanned_fields(model: type[models.Model], path: str) -> list[AnyField] | None:
    """The fields along a path such as `order__number`; None if one of them does not exist or cannot be followed.

    It may end with `pk`.
    """
    fields: list[AnyField] = []
    related: type[models.Model] | None = model
    for name in path.split("__"):
        if related is None:
            return None
        field = related._meta.pk if name == "pk" else concrete_field(related, name)
        if field is None:
            return None
        fields.append(field)
        related = field.related_model if isinstance(field, models.ForeignKey) else None
    return fields


def field_at(model: type[models.Model], path: str) -> AnyField:
    """The last of `spanned_fields`, for a path that the system checks accept. Raises LookupError for others."""
    fields = spanned_fields(model, path)
    if fields is None:
        raise LookupError(f"{path!r} is no field of {model._meta.label}")
    return fields[-1]


def target_of(field: AnyField) -> AnyField:
    """The field itself, or the one that a foreign key refers to, through other foreign keys if need be."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def cell_field(model: type[models.Model], name: str, path: str | None = None) -> AnyField | None:
    """The field whose values are in the cells of a column of the field `name`.

    `path` is that of its lookup, or of a condition of it. None if the declaration is wrong, which the system checks
    report.
    """
    fields = spanned_fields(model, name if path is None else f"{name}__{path}")
    return target_of(fields[-1]) if fields else None


def choices_of(field: AnyField | None, column: Column | None) -> dict[str, Any]:
    """The words that a cell may be, with their values; none if any value will do."""
    if column is None or column.lookup is not None:
        return {}
    if column.choices is not None:
        return dict(column.choices)
    return {str(value): value for value, _ in field.flatchoices if value is not None} if field is not None else {}


def words_of(field: AnyField | None, column: Column) -> Sequence[str] | None:
    """The words that a cell may contain: those of `choices`, or the values of the field's choices but for no text."""
    return [word for word in choices_of(field, column) if word or column.choices is not None] or None
