"""Dates that are named relative to a day, such as the start of last week. Pure: the caller gives the day and the zone.

Weeks start on Monday. For a field with a time, a start is 00:00 and an end is 23:59:59.999999. That is the last moment
that PostgreSQL can store of a day, so the end belongs to its period whether a query compares with `<` or `<=`. With
the next midnight instead, `<=` would include a moment of the next period.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: What a field takes.
Sort = Literal["date", "datetime", "year"]


class UnknownMomentError(ValueError):
    """No moment has this name, or it is not one for this sort of field. Argument: the name."""


@dataclass(frozen=True)
class Moment:
    """A named moment. `find` gives its date for a day; `is_end` tells the end of that date from its start."""

    label: _StrOrPromise
    find: Callable[[date], date]
    is_end: bool = False


def _days_later(days: int, day: date) -> date:
    return day + timedelta(days=days)


def _start_of_week(weeks: int, day: date) -> date:
    return day + timedelta(days=7 * weeks - day.weekday())


def _start_of_month(months: int, day: date) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _start_of_quarter(quarters: int, day: date) -> date:
    return _start_of_month(3 * quarters - (day.month - 1) % 3, day)


def _start_of_year(years: int, day: date) -> date:
    return date(day.year + years, 1, 1)


def _start(label: _StrOrPromise, start_of: Callable[[int, date], date], periods: int) -> Moment:
    return Moment(label, partial(start_of, periods))


def _end(label: _StrOrPromise, start_of: Callable[[int, date], date], periods: int) -> Moment:
    return Moment(label, lambda day: start_of(periods + 1, day) - timedelta(days=1), is_end=True)


#: Name → moment, in the order in which forms show them. Schedules store the names, so they must not change.
MOMENTS: Final[dict[str, Moment]] = {
    "today": _start(_("Today"), _days_later, 0),
    "yesterday": _start(_("Yesterday"), _days_later, -1),
    "7-days-ago": _start(_("7 days ago"), _days_later, -7),
    "30-days-ago": _start(_("30 days ago"), _days_later, -30),
    "start-of-this-week": _start(_("Start of this week"), _start_of_week, 0),
    "end-of-this-week": _end(_("End of this week"), _start_of_week, 0),
    "start-of-last-week": _start(_("Start of last week"), _start_of_week, -1),
    "end-of-last-week": _end(_("End of last week"), _start_of_week, -1),
    "start-of-this-month": _start(_("Start of this month"), _start_of_month, 0),
    "end-of-this-month": _end(_("End of this month"), _start_of_month, 0),
    "start-of-last-month": _start(_("Start of last month"), _start_of_month, -1),
    "end-of-last-month": _end(_("End of last month"), _start_of_month, -1),
    "start-of-this-quarter": _start(_("Start of this quarter"), _start_of_quarter, 0),
    "end-of-this-quarter": _end(_("End of this quarter"), _start_of_quarter, 0),
    "start-of-last-quarter": _start(_("Start of last quarter"), _start_of_quarter, -1),
    "end-of-last-quarter": _end(_("End of last quarter"), _start_of_quarter, -1),
    "start-of-this-year": _start(_("Start of this year"), _start_of_year, 0),
    "end-of-this-year": _end(_("End of this year"), _start_of_year, 0),
    "start-of-last-year": _start(_("Start of last year"), _start_of_year, -1),
    "end-of-last-year": _end(_("End of last year"), _start_of_year, -1),
}
#: Only for fields with a time: a date alone has no end.
ENDS_OF_DAYS: Final[dict[str, Moment]] = {
    "end-of-today": _end(_("End of today"), _days_later, 0),
    "end-of-yesterday": _end(_("End of yesterday"), _days_later, -1),
}
#: For fields that take a year.
YEARS: Final[dict[str, Moment]] = {
    "this-year": _start(_("This year"), _start_of_year, 0),
    "last-year": _start(_("Last year"), _start_of_year, -1),
}

_OF_SORT: Final[dict[Sort, dict[str, Moment]]] = {
    "date": MOMENTS,
    "datetime": MOMENTS | ENDS_OF_DAYS,
    "year": YEARS,
}


def moments_for(sort: Sort) -> list[tuple[str, str]]:
    """Name and label of each moment for a field of this sort. Labels for a field with a time name the time, too."""
    return [(name, label_of(name, sort)) for name in _OF_SORT[sort]]


def label_of(name: str, sort: Sort) -> str:
    """The label of a moment. Raises UnknownMomentError."""
    moment = _moment(name, sort)
    if sort != "datetime":
        return str(moment.label)
    at = "23:59:59" if moment.is_end else "00:00"
    return gettext("%(day)s, %(time)s") % {"day": moment.label, "time": at}


def resolve(name: str, sort: Sort, *, day: date, zone: ZoneInfo) -> date | datetime | int:
    """The value of a moment on `day`, which is a date in `zone`: a date, an aware datetime, or a year.

    Raises UnknownMomentError.
    """
    moment = _moment(name, sort)
    found = moment.find(day)
    match sort:
        case "date":
            return found
        case "year":
            return found.year
    # Where a change of the clock skips or repeats midnight, the day begins after the gap, and ends with the repetition.
    if moment.is_end:
        return datetime.combine(found, time.max, zone).replace(fold=1)
    return datetime.combine(found, time.min, zone)


def _moment(name: str, sort: Sort) -> Moment:
    try:
        return _OF_SORT[sort][name]
    except KeyError:
        raise UnknownMomentError(name) from None
