"""The second control beside a date: a choice between a fixed date and a moment such as the start of last week.

It is an ordinary select, `relative.dateFrom` for the parameter `dateFrom`. A moment takes precedence over the date.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.types.relative_dates import UnknownMomentError, moments_for
from jobs.types.relative_fields import relative_fields, resolve_field, sort_of
from jobs.types.secret_parameters import HasParameters

PREFIX: Final = "relative."
#: What a field takes → the choice for the value in the input.
FIXED: Final = {"date": _("Fixed date"), "datetime": _("Fixed time"), "year": _("Fixed year")}


def offer_moments(parameters: Any, job_type: type[HasParameters], chosen: Mapping[str, str]) -> None:
    """Give each field that may be relative its second control. `parameters` is the form's own serializer."""
    for path, field in relative_fields(job_type, parameters).items():
        if (sort := sort_of(field)) and "base_template" not in field.style:
            choices = [("", FIXED[sort]), *moments_for(sort)]
            moments = {"name": f"{PREFIX}{path}", "choices": choices, "chosen": chosen.get(path, "")}
            field.style = {**field.style, "base_template": "relative.html", "moments": moments}


def chosen_moments(posted: QueryDict, job_type: type[HasParameters]) -> dict[str, str]:
    """Path → name of the moment that was chosen, which may be unknown."""
    names = {path: posted.get(f"{PREFIX}{path}", "") for path in relative_fields(job_type)}
    return {path: name for path, name in names.items() if name}


def enter_moments(entered: MutableMapping[str, Any], job_type: type[HasParameters], chosen: Mapping[str, str]) -> None:
    """Put the values that the moments have now, in the time zone of the page, into what the form has sent.

    The name of an unknown moment is put in as it is, so that the field refuses it.
    """
    fields, now = relative_fields(job_type), timezone.localtime()
    for path, name in chosen.items():
        try:
            entered[path] = resolve_field(name, fields[path], day=now.date(), zone=current_zone())
        except UnknownMomentError:
            entered[path] = name


def current_zone() -> ZoneInfo:
    """The time zone of the page."""
    return ZoneInfo(timezone.get_current_timezone_name())
