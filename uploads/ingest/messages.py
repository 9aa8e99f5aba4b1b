"""The sentence for each problem of a record, with the facts of its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from jobs.joining import join_words
from uploads.ingest.fields import FileColumn, file_columns
from uploads.row_codes import TYPES, message_for
from uploads.schemas import json_schema
from uploads.types import UploadType
from uploads.value_types import field_at

#: What the status and the errors file show in place of a sensitive value.
MASKED: Final = "***"


@dataclass(frozen=True)
class Problem:
    """One mistake. `key` is one of `UploadType.known_headings()`, or "" if the whole record is wrong.

    `value` is the beginning of the cell, which has `length` characters.
    """

    key: str
    code: str
    value: str | None
    message: str | None
    other: int | None
    length: int | None


@dataclass(frozen=True)
class Messages:
    """Words the problems of one upload type. `line_of` says in which line a record begins, if that is known."""

    upload_type: UploadType
    first_line: int
    #: Whether each record is exactly one line, so that numbers of records tell lines.
    one_line_each: bool

    def heading(self, key: str) -> str:
        """The heading of a column; empty for a problem of the whole record."""
        return self.upload_type.known_headings()[key][0] if key else ""

    def value(self, problem: Problem) -> str | None:
        """The cell, or `***` if its column is sensitive."""
        return MASKED if problem.value is not None and self._is_sensitive(problem.key) else problem.value

    def sentence(self, problem: Problem) -> str:
        """What is wrong."""
        facts: dict[str, Any] = {**self._facts.get(problem.key, {})}
        if problem.value is not None:
            facts["value"] = problem.value
            facts["length"] = problem.length
        if problem.message:
            facts["message"] = problem.message
        if problem.other is not None and self.one_line_each:
            facts["line"] = self.first_line + problem.other - 1
        return message_for(problem.code, is_sensitive=self._is_sensitive(problem.key), **facts)

    def masked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by field, with `***` in place of sensitive ones."""
        return {
            name: MASKED if value is not None and self._is_sensitive(name) else value for name, value in values.items()
        }

    def _is_sensitive(self, key: str) -> bool:
        return key in self._hidden

    @cached_property
    def _hidden(self) -> frozenset[str]:
        return frozenset(filter(self.upload_type.hides, self.upload_type.known_headings()))

    @cached_property
    def _facts(self) -> Mapping[str, dict[str, Any]]:
        described = json_schema(self.upload_type)["properties"]
        return {one.key: self._facts_of(one, described[one.heading]) for one in file_columns(self.upload_type)}

    def _facts_of(self, of: FileColumn, described: Mapping[str, Any]) -> dict[str, Any]:
        """`described` is the column's property in the JSON Schema."""
        facts: dict[str, Any] = {"heading": of.heading}
        for name in ("minimum", "maximum"):
            if name in described:
                facts[name] = described[name]
        if "maxLength" in described:
            facts["limit"] = described["maxLength"]
        if "enum" in described:
            facts["choices"] = join_words(word for word in described["enum"] if word is not None)
        field = field_at(self.upload_type.model, of.key.partition(".")[0])
        places = getattr(field, "decimal_places", None)
        if places is not None:
            facts["limit"] = places
        if field.related_model is not None:
            facts["model"] = str(field.related_model._meta.verbose_name)
        if of.column is not None and of.column.formats:
            facts["format"] = join_words(of.column.formats)
        if of.type is not None and of.type in TYPES:
            facts["type"] = str(TYPES[of.type])
        return facts
