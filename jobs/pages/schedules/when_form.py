"""The part of the form that says when a schedule runs, and who is told. No JavaScript: all inputs are always there."""

from __future__ import annotations

from datetime import time
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from jobs.localization import time_zones, translated
from jobs.mailing.topics import mail_is_on
from jobs.models import Schedule
from jobs.models.callbacks import LONGEST_URL
from jobs.outbound.urls import InvalidCallbackURLError, canonical_url
from jobs.pages.order_form import Mistake
from jobs.schedules.recurrence import DAYS, LONGEST, InvalidRecurrenceError, Recurrence, check_recurrence

EVERY: Final = [
    ("day", _("Every day")),
    ("weekday", _("Monday to Friday")),
    ("week", _("Every week, on the days chosen below")),
    ("month", _("Every month, on the day chosen below")),
    ("cron", _("By the cron expression below")),
]
#: The input at which a mistake of a recurrence is shown.
PLACES: Final = {"week": "days", "cron": "expression"}


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(time_zones())]


class WhenForm(forms.Form):
    """Name, times, and notices of a schedule."""

    prefix = "when"

    name = forms.CharField(max_length=100, label=_("Name"))
    every = forms.ChoiceField(choices=EVERY, label=_("Repeat"))
    at = forms.TimeField(
        required=False,
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M"],
        help_text=_("Hours and minutes, such as 07:00. Not used with a cron expression."),
    )
    days = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
        label=_("Days of the week"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only for “every week”."),
    )
    day = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[*((day, str(day)) for day in DAYS), (0, _("Last day of the month"))],
        label=_("Day of the month"),
        help_text=_("Only for “every month”."),
    )
    time_zone = forms.ChoiceField(
        choices=_zones,
        widget=forms.Select({"translate": "no"}),
        label=_("Time zone"),
        help_text=_("A time that a change of the clock skips runs right after it. One that it repeats runs once."),
    )
    expression = forms.CharField(
        required=False,
        max_length=LONGEST,
        label=_("Cron expression"),
        help_text=_("Five fields: minute, hour, day of the month, month, day of the week. Example: 30 6 1 */3 *"),
    )
    mail = forms.ChoiceField(choices=Schedule.Mail.choices, label=_("Send me a mail"))
    callback_url = forms.CharField(
        required=False,
        max_length=LONGEST_URL,
        label=_("Callback URL"),
        help_text=_("Notified when a run ends. If it is empty, the URL in your settings is used."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not mail_is_on():
            del self.fields["mail"]

    def clean_at(self) -> time:
        """An omitted time is only accepted with a cron expression."""
        at: time | None = self.cleaned_data["at"]
        if at is None and self.data.get(self.add_prefix("every")) != "cron":
            raise forms.ValidationError(_("Enter a time."))
        return at or time()

    def clean_callback_url(self) -> str:
        """The URL in its canonical form."""
        url: str = self.cleaned_data["callback_url"]
        try:
            return canonical_url(url) if url else ""
        except InvalidCallbackURLError as error:
            raise forms.ValidationError(translated(str(error))) from None

    def clean(self) -> dict[str, Any]:
        """Adds `recurrence`, unless an input that it needs has a mistake."""
        found = self.cleaned_data
        if {"every", "at", "days", "day", "expression"} <= found.keys():
            recurrence = _recurrence(found)
            try:
                check_recurrence(recurrence, min_minutes=settings.SCHEDULE_MIN_MINUTES)
            except InvalidRecurrenceError as error:
                self.add_error(PLACES.get(recurrence.every, "every"), str(error))
            found["recurrence"] = recurrence
        return found

    def mistakes(self) -> list[Mistake]:
        """All errors, in the order of the fields."""
        return [
            Mistake(str(self[name].id_for_label or self[name].auto_id), str(self.fields[name].label), str(error))
            for name in self.fields
            for error in self.errors.get(name, [])
        ]


def new_values(title: str) -> dict[str, Any]:
    """What the form of a new schedule shows."""
    return {
        "name": title[:100],
        "every": "week",
        "at": time(7),
        "days": [1],
        "day": 1,
        "time_zone": timezone.get_current_timezone_name(),
        "mail": Schedule.Mail.FAILED,
    }


def values_of(schedule: Schedule) -> dict[str, Any]:
    """What the form of a schedule shows."""
    recurrence = Recurrence.from_json(schedule.recurrence)
    return {
        "name": schedule.name,
        "every": recurrence.every,
        "at": time(recurrence.hour, recurrence.minute),
        "days": recurrence.days,
        "day": recurrence.day,
        "expression": recurrence.expression,
        "time_zone": schedule.time_zone,
        "mail": schedule.mail,
        "callback_url": schedule.callback_url,
    }


def _recurrence(found: dict[str, Any]) -> Recurrence:
    every, at = found["every"], {"hour": found["at"].hour, "minute": found["at"].minute}
    match every:
        case "week":
            return Recurrence(every, **at, days=tuple(found["days"]))
        case "month":
            return Recurrence(every, **at, day=DAYS[0] if found["day"] is None else found["day"])
        case "cron":
            return Recurrence(every, expression=" ".join(found["expression"].split()))
    return Recurrence(every, **at)
