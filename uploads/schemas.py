"""What a client needs to make a file for an upload type: JSON Schema, Table Schema, and a template."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import models

from uploads.columns import Column
from uploads.ingest.texts import FALSE_WORDS, TRUE_WORDS
from uploads.limits import limits_of
from uploads.types import UploadType
from uploads.value_types import AnyField, cell_field, concrete_field, value_type, words_of

JSON_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"

#: Type of the cells → (type, format) of JSON Schema and of Table Schema
#: (https://json-schema.org/draft/2020-12/json-schema-validation, https://specs.frictionlessdata.io/table-schema/).
_JSON_TYPES: Final[Mapping[str, tuple[str | None, str | None]]] = {
    "integer": ("integer", None),
    "decimal": ("number", None),
    "float": ("number", None),
    "boolean": ("boolean", None),
    "date": ("string", "date"),
    "datetime": ("string", "date-time"),
    "time": ("string", "time"),
    "duration": ("string", None),
    "uuid": ("string", "uuid"),
    "json": (None, None),
    "ip-address": ("string", None),
    "text": ("string", None),
}
_TABLE_TYPES: Final[Mapping[str, tuple[str, str | None]]] = {
    "integer": ("integer", None),
    "decimal": ("number", None),
    "float": ("number", None),
    "boolean": ("boolean", None),
    "date": ("date", None),
    "datetime": ("datetime", None),
    "time": ("time", None),
    "uuid": ("string", "uuid"),
    "json": ("any", None),
}
#: Formats of texts, in both.
_TEXT_FORMATS: Final = {"EmailField": "email", "URLField": "uri"}
#: `strptime` formats that are the schemas' own.
_ISO_FORMATS: Final = ("%Y-%m-%d", "%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z")


@dataclass(frozen=True)
class _Cells:
    """What the schemas say about the cells under one heading."""

    heading: str
    type: str
    column: Column
    field: AnyField | None
    is_nullable: bool
    is_required: bool
    is_unique: bool
    words: Sequence[str] | None
    description: str


def json_schema(upload_type: UploadType) -> dict[str, Any]:
    """JSON Schema 2020-12 of one row: an object with the values by heading. An empty cell is null."""
    cells = list(_all_cells(upload_type))
    return {
        "$schema": JSON_SCHEMA,
        "title": str(upload_type.title),
        "type": "object",
        "properties": {each.heading: _json_property(each) for each in cells},
        "required": [each.heading for each in cells if each.is_required],
        "additionalProperties": True,
    }


def table_schema(upload_type: UploadType) -> dict[str, Any]:
    """Frictionless Table Schema of the file: https://specs.frictionlessdata.io/table-schema/."""
    schema: dict[str, Any] = {
        "fields": [_table_field(each) for each in _all_cells(upload_type)],
        "missingValues": [""],
    }
    key = [upload_type.columns[name].heading for name in upload_type.key if name in upload_type.columns]
    if key and len(key) == len(upload_type.key):
        schema["primaryKey"] = key
    return schema


def template_csv(upload_type: UploadType) -> bytes:
    """A file with the headings only. The byte order mark tells Excel that it is UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow([each.heading for each in _all_cells(upload_type)])
    return text.getvalue().encode("utf-8-sig")


def _all_cells(upload_type: UploadType) -> Iterator[_Cells]:
    """In the order of the declaration; a lookup's conditions follow it. Each heading comes once."""
    seen = set()
    headings = {column.heading for column in upload_type.columns.values()}
    for name, column in upload_type.columns.items():
        if column.heading not in seen:
            seen.add(column.heading)
            yield _cells_of_column(upload_type, name, column)
        for path, heading in (column.lookup.conditions if column.lookup else {}).items():
            if heading not in seen | headings:
                seen.add(heading)
                yield _cells_of_condition(upload_type, name, path, heading)


def _cells_of_column(upload_type: UploadType, name: str, column: Column) -> _Cells:
    field = cell_field(upload_type.model, name, column.lookup.field if column.lookup else None)
    target = concrete_field(upload_type.model, name)
    holds_empty = column.empty != "null" or (target is not None and target.null)
    return _Cells(
        heading=column.heading,
        type=(value_type(field) if field is not None else None) or "text",
        column=column,
        field=field,
        is_nullable=holds_empty and not column.required,
        is_required=column.required,
        is_unique=tuple(upload_type.key) == (name,),
        words=words_of(field, column),
        description=str(column.description) or _help_of(upload_type.model, name),
    )


def _cells_of_condition(upload_type: UploadType, name: str, path: str, heading: str) -> _Cells:
    field = cell_field(upload_type.model, name, path)
    return _Cells(
        heading=heading,
        type=(value_type(field) if field is not None else None) or "text",
        column=Column(heading),
        field=field,
        is_nullable=True,
        is_required=False,
        is_unique=False,
        words=None,
        description=str(getattr(field, "help_text", "")),
    )


def _help_of(model: type[models.Model], name: str) -> str:
    return str(getattr(concrete_field(model, name), "help_text", ""))


def _json_property(cells: _Cells) -> dict[str, Any]:
    kind, form = _JSON_TYPES[cells.type]
    if cells.column.formats and not set(cells.column.formats) & set(_ISO_FORMATS):
        form = None
    if cells.type == "text" and cells.field is not None:
        form = _TEXT_FORMATS.get(type(cells.field).__name__)
    schema: dict[str, Any] = {}
    if cells.words is not None:
        schema = {"enum": [*cells.words, *([None] if cells.is_nullable else [])]}
    elif kind is not None:
        limits = {name: limit for name, limit in _limits_of(cells).items() if limit is not None}
        schema = {"type": [kind, "null"] if cells.is_nullable else kind, **({"format": form} if form else {}), **limits}
    return schema | ({"description": cells.description} if cells.description else {})


def _table_field(cells: _Cells) -> dict[str, Any]:
    kind, form = _TABLE_TYPES.get(cells.type, ("string", None))
    if cells.words is not None:
        kind = "string"
    elif cells.column.formats:
        form = cells.column.formats[0] if len(cells.column.formats) == 1 else "any"
        form = None if form in _ISO_FORMATS else form
    elif cells.type == "text" and cells.field is not None:
        form = _TEXT_FORMATS.get(type(cells.field).__name__)
    constraints = {
        "required": not cells.is_nullable or None,
        "unique": cells.is_unique or None,
        "enum": list(cells.words) if cells.words is not None else None,
        **({} if cells.words is not None else _limits_of(cells)),
    }
    return {
        "name": cells.heading,
        "type": kind,
        **({"format": form} if form else {}),
        **({"trueValues": TRUE_WORDS, "falseValues": FALSE_WORDS} if kind == "boolean" else {}),
        **({"decimalChar": cells.column.decimal} if cells.column.decimal not in (None, ".") else {}),
        **({"description": cells.description} if cells.description else {}),
        "constraints": {name: value for name, value in constraints.items() if value is not None},
    }


def _limits_of(cells: _Cells) -> dict[str, Any]:
    if cells.field is None:
        return {}
    return limits_of(cells.field, cells.type, is_nullable=cells.is_nullable)
