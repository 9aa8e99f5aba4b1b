"""What the declaration of a model says about its unique constraints and indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from uploads.value_types import AnyField


def is_unique_together(model: type[models.Model], names: Collection[str]) -> bool:
    """Whether no two rows can have the same values in these fields, none of which is NULL."""
    return any(unique <= set(names) for unique in map(set, unique_groups(model)))


def is_indexed(field: AnyField, *, first: bool = True) -> bool:
    """Whether an index of all rows begins with the field, or contains it if not `first`."""
    if field.primary_key or field.unique or getattr(field, "db_index", False):
        return True
    groups = [*unique_groups(field.model), *_index_groups(field.model)]
    return any(field.name in (group[:1] if first else group) for group in groups)


def _options(model: type[models.Model]) -> Any:
    """The constraints and indexes of a proxy are those of its model."""
    return (model._meta.concrete_model or model)._meta


def unique_groups(model: type[models.Model], *, at_commit: bool = False) -> Iterator[tuple[str, ...]]:
    """The fields of each unique constraint that holds for all rows at any moment; `at_commit`: or only at a commit."""
    options = _options(model)
    for field in options.concrete_fields:
        if field.unique:
            yield (field.name,)
    yield from (tuple(group) for group in options.unique_together)
    for constraint in options.constraints:
        if isinstance(constraint, models.UniqueConstraint) and _is_total(constraint, at_commit):
            yield tuple(constraint.fields)


def _is_total(constraint: models.UniqueConstraint, at_commit: bool) -> bool:
    """A constraint without fields has expressions."""
    in_time = at_commit or constraint.deferrable is None
    return constraint.condition is None and in_time and bool(constraint.fields)


def _index_groups(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    for index in _options(model).indexes:
        if index.condition is None and index.fields and not index.expressions:
            yield tuple(name for name, _ in index.fields_orders)
