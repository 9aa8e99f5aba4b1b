"""System checks of a single column of an upload type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models

from uploads.indexes import is_indexed
from uploads.ingest.conditions import names_in
from uploads.ingest.strptime import FormatError, check_format
from uploads.value_types import AnyField, cell_field, concrete_field, spanned_fields, value_type

if TYPE_CHECKING:
    from uploads.columns import Column, Lookup
    from uploads.types import UploadType

Message = checks.CheckMessage

#: Type of the cells → type of PostgreSQL.
FORMATTED: Final[Mapping[str | None, str]] = {"date": "date", "datetime": "timestamptz", "time": "time"}
WITH_DECIMALS: Final = ("decimal", "float")


def error(number: str, upload_type: UploadType, text: str, *, hint: str | None = None) -> Message:
    """An error with the id `uploads.<number>`."""
    return checks.Error(text, hint=hint, obj=type(upload_type), id=f"uploads.{number}")


def warning(number: str, upload_type: UploadType, text: str, *, hint: str | None = None) -> Message:
    """A warning with the id `uploads.<number>`."""
    return checks.Warning(text, hint=hint, obj=type(upload_type), id=f"uploads.{number}")


def check_column(upload_type: UploadType, name: str) -> Iterator[Message]:
    """Whether the declaration of the column fits the field `name` of the model."""
    model, column = upload_type.model, upload_type.columns[name]
    field = concrete_field(model, name)
    if field is None:
        text = f"The column {column.heading!r} is for {name!r}, which is not a field with a column in {_label(model)}."
        yield error("E020", upload_type, text, hint="The keys of `columns` are names of fields.")
        return
    if column.lookup is not None or isinstance(field, models.ForeignKey):
        yield from _check_lookup(upload_type, name, field, column.lookup)
    elif value_type(field) is None:
        text = f"The field {name!r} is a {type(field).__name__}, which an upload cannot fill."
        yield error("E021", upload_type, text)
    cells = cell_field(model, name, column.lookup.field if column.lookup else None)
    if cells is not None and value_type(cells) is not None:
        yield from _check_options(upload_type, name, column, cells)
    yield from _check_empty(upload_type, name, column, field)
    yield from _check_condition(upload_type, name, column)


def _check_lookup(upload_type: UploadType, name: str, field: AnyField, lookup: Lookup | None) -> Iterator[Message]:
    if not isinstance(field, models.ForeignKey):
        yield error("E022", upload_type, f"The column of {name!r} has a lookup, but the field is not a ForeignKey.")
        return
    if lookup is None:
        hint = 'Use `Lookup("pk")` if the file has primary keys. `rows` says which rows a user may refer to.'
        yield error(
            "E022", upload_type, f"The field {name!r} is a ForeignKey, but its column has no lookup.", hint=hint
        )
        return
    related = field.related_model
    for path in (lookup.field, *lookup.conditions):
        fields = spanned_fields(related, path)
        if fields is None or value_type(fields[-1]) is None:
            yield error(
                "E023", upload_type, f"The lookup of {name!r} names {path!r}, which is no field of {_label(related)}."
            )
        elif path == lookup.field:
            for each in fields:
                if not is_indexed(each, first=lookup.rows is None):
                    text = f"The lookup of {name!r} needs an index on {_label(each.model)}.{each.name}."
                    hint = "Without one, each upload reads the whole table."
                    yield warning("W003", upload_type, text, hint=hint)


def _check_options(upload_type: UploadType, name: str, column: Column, cells: AnyField) -> Iterator[Message]:
    kind = value_type(cells)
    for each in column.formats:
        if kind not in FORMATTED:
            yield error("E024", upload_type, f"The column of {name!r} has formats, which only dates and times have.")
            break
        try:
            check_format(each, FORMATTED[kind])
        except FormatError as wrong:
            yield error("E024", upload_type, f"The format {each!r} of {name!r} cannot be read: {wrong}.")
    if column.decimal is not None and kind not in WITH_DECIMALS:
        yield error("E025", upload_type, f"The column of {name!r} has a decimal separator, but no decimals.")
    if column.choices is not None and column.lookup is not None:
        yield error("E026", upload_type, f"The column of {name!r} has both choices and a lookup.")
    else:
        yield from _check_choices(upload_type, name, column.choices or {}, cells)


def _check_choices(
    upload_type: UploadType, name: str, choices: Mapping[str, Any], field: AnyField
) -> Iterator[Message]:
    for word, value in choices.items():
        try:
            if value is not None or not field.null:
                field.clean(value, None)
        except ValidationError as refused:
            text = f"The choice {word!r} of {name!r} stands for {value!r}, which the field refuses: "
            yield error("E026", upload_type, text + " ".join(refused.messages))


def _check_empty(upload_type: UploadType, name: str, column: Column, field: AnyField) -> Iterator[Message]:
    if column.empty == "blank" and value_type(field) != "text":
        yield error(
            "E027", upload_type, f"Empty cells of {name!r} cannot be empty texts, because the field holds none."
        )
    has_default = field.has_default() or field.has_db_default() or (field.blank and field.empty_strings_allowed)
    if column.empty == "default" and not has_default:
        yield error("E027", upload_type, f"Empty cells of {name!r} stand for the field's default, but it has none.")


def _check_condition(upload_type: UploadType, name: str, column: Column) -> Iterator[Message]:
    """A condition over a column that the file cannot have is never checked."""
    words = names_in(column.check)
    for field in upload_type.model._meta.concrete_fields:
        if field.column in words and field.name not in upload_type.columns:
            text = f"The check of {name!r} is never made, because it names {field.column!r}, which has no column."
            yield warning("W004", upload_type, text)


def _label(model: Any) -> str:
    return str(model._meta.label)
