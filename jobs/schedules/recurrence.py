"""When a schedule runs. Pure: the caller gives the time and the zone.

Every recurrence is a cron expression of five fields, which `cronsim` evaluates as Debian's cron does. A local time that
a change of the clock skips runs right after the gap, and one that it repeats runs once, the first time. An expression
whose minute or hour begins with `*` follows the clock as it goes: in a repeated hour it runs in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

Every = Literal["day", "weekday", "week", "month", "cron"]

#: The longest expression of cron, in characters.
LONGEST: Final = 100
MINUTES_PER_DAY: Final = 24 * 60
#: A day of the month that each month has; "last" is the other choice.
DAYS: Final = range(1, 29)
#: Part of the error of cronsim → our word for the field.
FIELDS: Final = {
    "minute": _("minute"),
    "hour": _("hour"),
    "day-of-month": _("day of the month"),
    "month": _("month"),
    "day-of-week": _("day of the week"),
}
#: A field of Celery's crontab that has every value.
ANY: Final = "*"


class InvalidRecurrenceError(ValueError):
    """The recurrence cannot be used. The message is for the user."""


@dataclass(frozen=True)
class Recurrence:
    """How often something runs.

    `minute` and `hour` apply to all but "cron"; `days` (1 is Monday, 7 is Sunday) to "week"; `day` (1 to 28, or 0 for
    the last day) to "month"; `expression` to "cron".
    """

    every: Every
    hour: int = 0
    minute: int = 0
    days: tuple[int, ...] = ()
    day: int = 0
    expression: str = ""

    @property
    def cron(self) -> str:
        """The expression for cronsim."""
        at = f"{self.minute} {self.hour}"
        match self.every:
            case "day":
                return f"{at} * * *"
            case "weekday":
                return f"{at} * * 1-5"
            case "week":
                return f"{at} * * {','.join(str(day) for day in sorted(self.days))}"
            case "month":
                return f"{at} {self.day or 'L'} * *"
        return self.expression

    def to_json(self) -> dict[str, Any]:
        """The recurrence as a schedule stores it."""
        return {**asdict(self), "days": list(self.days)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The recurrence that a schedule has stored."""
        return cls(**{**stored, "days": tuple(stored["days"])})


def check_recurrence(recurrence: Recurrence, *, min_minutes: int) -> None:
    """Raises InvalidRecurrenceError if it is malformed, never runs, or runs more often than every `min_minutes`."""
    if recurrence.every == "week" and not recurrence.days:
        raise InvalidRecurrenceError(gettext("Choose at least one day of the week."))
    expression = recurrence.cron
    if len(expression) > LONGEST or len(expression.split()) != 5:
        raise InvalidRecurrenceError(
            gettext("Enter five fields: minute, hour, day of the month, month and day of the week.")
        )
    try:
        parsed = CronSim(expression, datetime(2024, 1, 1))  # noqa: DTZ001  (the zone does not matter here)
    except CronSimError as error:
        field = str(FIELDS.get(str(error).removeprefix("Bad "), error))
        raise InvalidRecurrenceError(gettext("The field for the %(field)s is not valid.") % {"field": field}) from None
    if _shortest_interval(parsed) < min_minutes:
        text = ngettext(
            "A schedule may run at most once a minute.",
            "A schedule may run at most once every %(count)d minutes.",
            min_minutes,
        )
        raise InvalidRecurrenceError(text % {"count": min_minutes})
    if next(parsed, None) is None:
        raise InvalidRecurrenceError(gettext("No date matches this expression."))


def run_times(recurrence: Recurrence, zone: ZoneInfo, *, start: datetime, min_minutes: int) -> Iterator[datetime]:
    """The times at which it runs, in UTC, in order: the first one not before `start`, which is aware.

    Times are at least `min_minutes` apart, even where a change of the clock moves them together. It ends if there is
    none within 50 years.
    """
    spacing = timedelta(minutes=min_minutes)
    times = CronSim(recurrence.cron, (start - timedelta(seconds=1)).astimezone(zone))
    not_before = start
    while (found := next(times, None)) is not None:
        moment = found.astimezone(UTC)
        # Within the second pass of a repeated hour, cronsim returns times of the first one, which are before `start`.
        if moment >= not_before:
            yield moment
            not_before = moment + spacing


def crontab_fields(recurrence: Recurrence) -> dict[str, str]:
    """The fields of Celery's crontab that rings at these times, and perhaps at others.

    Celery knows neither "last" nor the "or" of Debian's cron between the day of the month and that of the week. A field
    that it cannot say has every value: to ring too often is harmless.
    """
    parsed = CronSim(recurrence.cron, datetime(2024, 1, 1))  # noqa: DTZ001  (the zone does not matter here)
    days, weekdays = (
        _listed(parsed.days, 1, 31),
        _listed({day % 7 if isinstance(day, int) else day for day in parsed.weekdays}, 0, 6),
    )
    if not parsed.day_and:
        days = weekdays = ANY
    return {
        "minute": _listed(parsed.minutes, 0, 59),
        "hour": _listed(parsed.hours, 0, 23),
        "day_of_month": days,
        "month_of_year": _listed(parsed.months, 1, 12),
        "day_of_week": weekdays,
    }


def _listed(values: set[Any], lowest: int, highest: int) -> str:
    """`1,15`; `*` for all values, and for values that Celery does not know."""
    is_plain = all(isinstance(value, int) and lowest <= value <= highest for value in values)
    return ",".join(map(str, sorted(values))) if is_plain and len(values) <= highest - lowest else ANY


def _shortest_interval(parsed: CronSim) -> int:
    """The shortest time between two runs on days that follow one another, in minutes."""
    times = [60 * hour + minute for hour in sorted(parsed.hours) for minute in sorted(parsed.minutes)]
    return min(later - earlier for earlier, later in pairwise([*times, times[0] + MINUTES_PER_DAY]))
