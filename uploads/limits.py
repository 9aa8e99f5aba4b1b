"""The limits of the values of a model's field, by its validators, in the words of JSON Schema."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from django.core import validators
from django.db import models

from uploads.value_types import AnyField

_FINAL: Final = re.compile(r"\\Z$")  # it is `$` in JavaScript
#: Groups with options, and escapes that JavaScript lacks or takes for ASCII only.
_PYTHONS: Final = re.compile(r"\(\?|\\[AbBdDsSwW]|\\Z(?!$)")


def limits_of(field: AnyField, kind: str, *, is_nullable: bool) -> dict[str, Any]:
    """`maxLength`, `minimum` and so on, which both schemas name alike; None: no limit. `kind` is its `value_type`."""
    found: dict[str, Any] = {}
    if kind in ("boolean", "json", "uuid"):
        return found
    if kind == "text":
        found["minLength"] = 1 if not is_nullable else None
    if isinstance(field, models.DecimalField) and field.max_digits is not None and field.decimal_places is not None:
        largest = (Decimal(10) ** field.max_digits - 1).scaleb(-field.decimal_places)
        found |= {"minimum": -largest, "maximum": largest}
    for validator in field.validators:
        match validator:
            case validators.MinLengthValidator():
                _narrow(found, "minLength", validator, max)
            case validators.MaxLengthValidator():
                _narrow(found, "maxLength", validator, min)
            case validators.MinValueValidator():
                _narrow(found, "minimum", validator, max)
            case validators.MaxValueValidator():
                _narrow(found, "maximum", validator, min)
            case validators.RegexValidator() if _is_portable(validator):
                # Of several, one is told: neither schema has a place for more.
                found.setdefault("pattern", _FINAL.sub("$", _pattern(validator)))
    return {name: _number(limit) for name, limit in found.items()}


def _narrow(found: dict[str, Any], name: str, validator: Any, narrower: Any) -> None:
    limit = limit_of(validator)
    if isinstance(limit, int | float | Decimal):
        known = found.get(name)
        found[name] = limit if known is None else narrower(known, limit)


def limit_of(validator: Any) -> Any:
    """The limit of a validator of Django, which may be a callable."""
    return validator.limit_value() if callable(validator.limit_value) else validator.limit_value


def _is_portable(validator: validators.RegexValidator) -> bool:
    """Whether a pattern of Python means the same in JavaScript."""
    return not (validator.inverse_match or validator.flags or _PYTHONS.search(_pattern(validator)))


def _pattern(validator: validators.RegexValidator) -> str:
    """Django compiles the pattern when it is first used."""
    return validator.regex if isinstance(validator.regex, str) else validator.regex.pattern


def _number(limit: Any) -> Any:
    """JSON has no decimals."""
    if isinstance(limit, Decimal):
        return int(limit) if limit == limit.to_integral_value() else float(limit)
    return limit
