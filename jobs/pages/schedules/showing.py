"""A schedule in words, for its pages."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, Schedule, ScheduleRun
from jobs.pages.parameter_words import parameters_in_words
from jobs.pages.schedules.schedulable import schedulable
from jobs.schedules.recurrence import Recurrence
from jobs.schedules.times import next_times
from jobs.schedules.words import in_words
from jobs.types.base import JobType
from jobs.types.relative_dates import UnknownMomentError, label_of
from jobs.types.relative_fields import relative_fields, sort_of

#: Runs in the history on the page of a schedule.
MOST_RUNS: Final = 50
NEXT_RUNS: Final = 5

Outcome = ScheduleRun.Outcome
#: Outcome of a run → class of its badge. Those that are left out are skipped runs.
BADGES: Final = {
    Outcome.WAITING: "queued",
    Outcome.ORDERED: "in-progress",
    Outcome.SUCCEEDED: "complete",
    Outcome.FAILED: "failed",
    Outcome.REFUSED: "failed",
    Outcome.CANCELED: "canceled",
}


class Badge(NamedTuple):
    """A word and the class of its color."""

    word: str
    color: str


@dataclass(frozen=True)
class ShownSchedule:
    """A schedule as a row of the list shows it. `schedule` comes from `jobs.schedules.reading.schedules_of`."""

    schedule: Schedule
    title: str
    when: str
    state: Badge
    last: Badge | None


class NextRun(NamedTuple):
    """A time by the clock of the schedule, and the same time, which the page shows in the zone of the user."""

    there: str
    at: datetime


class ShownRun(NamedTuple):
    """A line of the history. `url` leads to its job; empty if there is none."""

    run: ScheduleRun
    outcome: Badge
    url: str


def show_schedule(schedule: Schedule) -> ShownSchedule:
    """A schedule for the list. No query."""
    job_type = _type_of(schedule)
    last = getattr(schedule, "last_outcome", None)
    return ShownSchedule(
        schedule,
        title=str(job_type.title) if job_type else schedule.type,
        when=in_words(Recurrence.from_json(schedule.recurrence)),
        state=_state(schedule),
        last=_badge(last) if last else None,
    )


def next_runs(schedule: Schedule) -> list[NextRun]:
    """The next five runs; none while the schedule does not run."""
    if schedule.is_stopped_by_staff:
        return []
    zone = ZoneInfo(schedule.time_zone)
    return [NextRun(f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}", at) for at in next_times(schedule, NEXT_RUNS)]


def is_elsewhere(schedule: Schedule) -> bool:
    """Whether the schedule has another time zone than the page."""
    return schedule.time_zone != timezone.get_current_timezone_name()


def history_of(schedule: Schedule) -> list[ShownRun]:
    """The latest runs. One query."""
    runs = schedule.runs.select_related("job").order_by("-scheduled_for")[:MOST_RUNS]
    pages = schedulable().get(schedule.kind)
    return [ShownRun(run, _badge(run.outcome), _url_of(run.job, schedule, pages)) for run in runs]


def order_in_words(schedule: Schedule) -> Sequence[tuple[str, str]]:
    """Labels and values of the parameters and the other parts of the order. Relative dates have their names."""
    pages = schedulable().get(schedule.kind)
    if pages is None:
        return []
    body, job_type = schedule.order["body"], _type_of(schedule)
    shown = deepcopy(pages.resource.ordering.shown_parameters(body))
    fields = relative_fields(type(job_type)) if job_type else {}
    for path, name in schedule.order["relative"].items():
        *above, last = path.split(".")
        place: Any = shown
        for step in above:
            place = place.setdefault(step, {})
        place[last] = _label(name, fields.get(path))
    return [*parameters_in_words(job_type, shown), *pages.facts(Job(payload=body))]


def _label(name: str, field: Any) -> str:
    sort = sort_of(field) if field is not None else None
    try:
        return label_of(name, sort) if sort else name
    except UnknownMomentError:
        return name


def _type_of(schedule: Schedule) -> JobType | None:
    pages = schedulable().get(schedule.kind)
    return pages.resource.types.find(schedule.type) if pages else None


def _state(schedule: Schedule) -> Badge:
    if schedule.is_stopped_by_staff:
        return Badge(gettext("Stopped by an administrator"), "failed")
    if schedule.paused_at is None:
        return Badge(gettext("Active"), "complete")
    if schedule.pause_reason == Schedule.PauseReason.FAILURES:
        return Badge(gettext("Paused after failures"), "failed")
    return Badge(gettext("Paused"), "expired")


def _badge(outcome: str) -> Badge:
    if outcome in (Outcome.MISSED, Outcome.CROWDED_OUT):
        return Badge(str(_("Skipped")), "expired")
    known = Outcome(outcome)
    return Badge(str(known.label), BADGES[known])


def _url_of(job: Job | None, schedule: Schedule, pages: Any) -> str:
    """A job that its owner has deleted has none any more."""
    if job is None or pages is None or job.owner_id != schedule.owner_id:
        return ""
    return str(pages.url_of(job))
