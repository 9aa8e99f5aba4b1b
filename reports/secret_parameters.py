"""Which parameters of a report type are secrets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from jobs.payloads.masking import is_sensitive, mask
from reports.registry import find_report_type

if TYPE_CHECKING:
    from reports.types import ReportType


def secret_names(report_type: type[ReportType]) -> frozenset[str]:
    """The names of parameters, nested ones too, that the type declares secret.

    Those that it lists in `sensitive`, and fields that are write-only or are shown as passwords. A field with a
    `source` counts under both names. Names that say it themselves, such as `password`, are not among them.
    """
    return _secret_in(report_type.Parameters).union(report_type.sensitive)


def is_secret_field(report_type: type[ReportType], name: str) -> bool:
    """Whether the value of a parameter is a secret, for whatever reason."""
    return is_sensitive(name, secret_names(report_type))


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


def without_secrets(report_type: type[ReportType], parameters: Any) -> Any:
    """A copy of the parameters in which no secret is, masked or not."""
    match parameters:
        case dict():
            return {
                name: without_secrets(report_type, part)
                for name, part in parameters.items()
                if not is_secret_field(report_type, name)
            }
        case list():
            return [without_secrets(report_type, part) for part in parameters]
    return parameters


def shown_parameters(payload: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an order with `***` in place of each secret, as its owner sees them."""
    report_type = find_report_type(str(payload["reportType"]))
    shown: dict[str, Any] = mask(payload["parameters"], secret_names(type(report_type)) if report_type else ())
    return shown
