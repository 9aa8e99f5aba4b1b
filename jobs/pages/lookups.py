"""Parameters that name a row of a table: a list to choose from if it is short, else a search."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.core.exceptions import ValidationError as InvalidError
from django.db.models import CharField, Model, Q, QuerySet
from rest_framework import serializers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.types.base import JobType

#: A longer list is not shown, but searched.
MOST_OPTIONS: Final = 200
MOST_FOUND: Final = 20


class Option(NamedTuple):
    """A value as the order has it, and what people call it."""

    value: str
    label: str


class Lookup:
    """The rows that a related field accepts. Each member reads the database once."""

    def __init__(self, field: serializers.RelatedField[Any, Any, Any]) -> None:
        self._field = field

    @cached_property
    def options(self) -> list[Option] | None:
        """All rows; None if they are too many to list."""
        rows = self._options(self._rows()[: MOST_OPTIONS + 1])
        return rows if len(rows) <= MOST_OPTIONS else None

    def label_of(self, value: Any) -> str:
        """What people call the row with this value; empty if there is none."""
        try:
            return self._option(self._field.to_internal_value(value)).label
        except (serializers.ValidationError, ValueError, OverflowError):
            return ""

    def found(self, text: str) -> list[Option]:
        """The first rows that have each word of `text` in one of the searched columns, or whose key it is."""
        rows, names = self._rows(), self._searched_names(self._rows().model)
        for word in text.replace("\0", "").split():
            rows = rows.filter(_has(word, names, rows.model))
        return self._options(rows[:MOST_FOUND])

    def _rows(self) -> QuerySet[Any]:
        """Sorted, so that a page shows the same rows each time."""
        rows: QuerySet[Any] = self._field.get_queryset()  # type: ignore[assignment]  # only read-only fields have none
        return rows if rows.ordered else rows.order_by("pk")

    def _searched_names(self, model: type[Model]) -> Sequence[str]:
        """`style={"search_fields": [...]}` of the field, or the columns of text that are no choice."""
        if named := self._field.style.get("search_fields"):
            return list(named)
        texts = [
            field.name for field in model._meta.concrete_fields if isinstance(field, CharField) and not field.choices
        ]
        slug = getattr(self._field, "slug_field", None)
        return texts if slug is None or slug in texts else [slug, *texts]

    def _options(self, rows: QuerySet[Any]) -> list[Option]:
        return [self._option(row) for row in rows]

    def _option(self, row: Any) -> Option:
        return Option(str(self._field.to_representation(row)), str(self._field.display_value(row)))


def lookup_of(job_type: JobType, path: str) -> Lookup | None:
    """The lookup of the parameter at `path`, such as `customer` or `place.shop`; None if it is no such parameter."""
    field: Any = job_type.Parameters()
    for step in path.split("."):
        field = getattr(field, "fields", {}).get(step)
    return Lookup(field) if is_lookup(field) else None


def is_lookup(field: Any) -> bool:
    """Whether the values of a field are rows of a table."""
    return isinstance(field, serializers.PrimaryKeyRelatedField | serializers.SlugRelatedField) and not field.read_only


def _has(word: str, names: Sequence[str], model: type[Model]) -> Q:
    condition = Q()
    for name in names:
        condition |= Q((f"{name}__icontains", word))
    with suppress(InvalidError):
        condition |= Q(pk=model._meta.pk.to_python(word))
    return condition or Q(pk=None)
