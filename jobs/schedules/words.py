"""A recurrence in words."""

from __future__ import annotations

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext

from jobs.joining import join_with_and
from jobs.schedules.recurrence import Recurrence


def in_words(recurrence: Recurrence) -> str:
    """`Every Monday and Thursday at 07:00`. The time zone is not named."""
    facts = {"time": f"{recurrence.hour:02}:{recurrence.minute:02}", "day": recurrence.day}
    match recurrence.every:
        case "day":
            return gettext("Every day at %(time)s") % facts
        case "weekday":
            return gettext("Monday to Friday at %(time)s") % facts
        case "week":
            names = [str(WEEKDAYS[day - 1]) for day in sorted(recurrence.days)]
            return gettext("Every %(days)s at %(time)s") % {**facts, "days": join_with_and(names)}
        case "month" if recurrence.day:
            return gettext("On day %(day)s of each month at %(time)s") % facts
        case "month":
            return gettext("On the last day of each month at %(time)s") % facts
    return gettext("By the cron expression %(expression)s") % {"expression": recurrence.expression}
