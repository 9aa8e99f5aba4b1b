"""The secret parameters of types."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from rest_framework import serializers

from jobs.payloads.masking import is_sensitive


class HasParameters(Protocol):
    """The part of a type that declares its secret parameters."""

    Parameters: ClassVar[type[serializers.Serializer[Any]]]
    sensitive: ClassVar[Collection[str]]


def secret_names(job_type: type[HasParameters]) -> frozenset[str]:
    """The names of parameters, including nested ones, that the type declares secret.

    These are the names in `sensitive`, and fields that are write-only or rendered as passwords. A field with a `source`
    counts under both names. Parameters that are secret only by their names, such as `password`, are not included.
    """
    return _secret_in(job_type.Parameters).union(job_type.sensitive)


def is_secret_field(job_type: type[HasParameters], name: str) -> bool:
    """Whether a parameter is secret, by declaration or by its name."""
    return is_sensitive(name, secret_names(job_type))


@lru_cache(maxsize=512)  # because creating a serializer is slow
def _secret_in(parameters: Any) -> frozenset[str]:
    return frozenset(_declared(parameters()))


def _declared(field: Any) -> Iterator[str]:
    match field:
        case serializers.BaseSerializer() if hasattr(field, "fields"):
            for name, inner in field.fields.items():
                if inner.write_only or inner.style.get("input_type") == "password":
                    yield from {name, inner.source}
                yield from _declared(inner)
        case serializers.ListSerializer() | serializers.ListField() | serializers.DictField():
            yield from _declared(field.child)


def without_secrets(job_type: type[HasParameters], parameters: Any) -> Any:
    """A copy of the parameters without any secrets, not even masked."""
    match parameters:
        case dict():
            return {
                name: without_secrets(job_type, part)
                for name, part in parameters.items()
                if not is_secret_field(job_type, name)
            }
        case list():
            return [without_secrets(job_type, part) for part in parameters]
    return parameters
