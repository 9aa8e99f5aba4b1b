"""Which parameters of a type are secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from rest_framework import serializers

from jobs.payloads.masking import is_sensitive, mask


class HasParameters(Protocol):
    """The part of a type that says which of its parameters are secret."""

    Parameters: ClassVar[type[serializers.Serializer[Any]]]
    sensitive: ClassVar[Collection[str]]


def secret_names(job_type: type[HasParameters]) -> frozenset[str]:
    """The names of parameters, nested ones too, that the type declares secret.

    Those that it lists in `sensitive`, and fields that are write-only or are shown as passwords. A field with a
    `source` counts under both names. Names that say it themselves, such as `password`, are not among them.
    """
    return _secret_in(job_type.Parameters).union(job_type.sensitive)


def is_secret_field(job_type: type[HasParameters], name: str) -> bool:
    """Whether the value of a parameter is a secret, for whatever reason."""
    return is_sensitive(name, secret_names(job_type))


@lru_cache(maxsize=512)  # to make a serializer takes longer than all that is asked of it here
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
    """A copy of the parameters in which no secret is, masked or not."""
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


def masked_parameters(job_type: type[HasParameters] | None, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an order with `***` in place of each secret, as its owner sees them. None: an unknown type."""
    masked: dict[str, Any] = mask(parameters, secret_names(job_type) if job_type else ())
    return masked
