"""The parameters of a type that may be relative dates: dates, times, and numbers that say that they are a year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rest_framework import ISO_8601, serializers

from jobs.types.relative_dates import Sort, resolve
from jobs.types.secret_parameters import HasParameters, is_secret_field

#: What an integer field says in its `style` to be a year: `style={"relative": "year"}`.
RELATIVE: Final = "relative"


def relative_fields(job_type: type[HasParameters], parameters: Any = None) -> dict[str, Any]:
    """The fields that may be relative, by path: `dateFrom`, or `period.from` within a nested object.

    They are those of the serializer `parameters`, or of a new one.
    """
    return dict(_relative_in(job_type.Parameters() if parameters is None else parameters, job_type, prefix=""))


def _relative_in(serializer: Any, job_type: type[HasParameters], *, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, field in serializer.fields.items():
        if field.read_only or is_secret_field(job_type, name):
            continue
        if isinstance(field, serializers.Serializer):
            yield from _relative_in(field, job_type, prefix=f"{prefix}{name}.")
        elif sort_of(field):
            yield f"{prefix}{name}", field


def sort_of(field: Any) -> Sort | None:
    """What relative dates a field takes; None if it takes none."""
    match field:
        case serializers.DateTimeField():
            return "datetime"
        case serializers.DateField():
            return "date"
        case serializers.IntegerField() if field.style.get(RELATIVE) == "year":
            return "year"
    return None


def resolve_field(name: str, field: Any, *, day: date, zone: ZoneInfo) -> Any:
    """The value of a moment on `day`, a date in `zone`, as JSON that `field` reads. Raises UnknownMomentError."""
    sort = sort_of(field)
    if sort is None:  # the type has changed since
        raise serializers.ValidationError(f"{name!r} is not a value of this field.")
    value = resolve(name, sort, day=day, zone=zone)
    if isinstance(value, int):
        return value
    formats = list(getattr(field, "input_formats", None) or [ISO_8601])
    return value.isoformat() if ISO_8601 in formats else value.strftime(formats[0])


def resolve_all(
    job_type: type[HasParameters], parameters: Mapping[str, Any], relative: Mapping[str, str], *, at: datetime
) -> dict[str, Any]:
    """A copy of `parameters` with the values of the relative ones at `at`, a time in the zone that counts.

    `relative` is path → name of a moment. A field that the type no longer has is set nevertheless, so that the
    validation refuses it by name. Raises UnknownMomentError.
    """
    resolved: dict[str, Any] = deepcopy(dict(parameters))
    fields, zone = relative_fields(job_type), at.tzinfo
    if not isinstance(zone, ZoneInfo):
        raise TypeError("at must be in a zone of IANA's database")
    for path, name in relative.items():
        *above, last = path.split(".")
        place = resolved
        for step in above:
            place = place.setdefault(step, {})
        place[last] = resolve_field(name, fields[path], day=at.date(), zone=zone) if path in fields else name
    return resolved
