"""What owners do with their schedules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import TransitionError
from jobs.models import Schedule, ScheduleRun
from jobs.schedules.beat_rows import delete_beat_row, save_beat_row
from jobs.schedules.ending import stop
from jobs.schedules.recurrence import Recurrence, check_recurrence
from jobs.schedules.running import locked, place
from jobs.schedules.times import database_now, times_from

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class TooManySchedulesError(Exception):
    """The user has SCHEDULES_PER_USER schedules."""


@dataclass(frozen=True)
class Plan:
    """What the owner of a schedule chooses. `order` is as `jobs.types.scheduling.stored_order` makes it."""

    name: str
    order: dict[str, Any]
    recurrence: Recurrence
    time_zone: str
    mail: str
    callback_url: str


def create_schedule(*, owner: AbstractBaseUser, kind: str, type: str, plan: Plan) -> Schedule:  # noqa: A002
    """A new schedule, whose first run is the next scheduled time.

    Raises InvalidRecurrenceError, and TooManySchedulesError if the user has SCHEDULES_PER_USER.
    """
    check_recurrence(plan.recurrence, min_minutes=settings.SCHEDULE_MIN_MINUTES)
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
        if Schedule.objects.filter(owner=owner.pk).count() >= settings.SCHEDULES_PER_USER:
            raise TooManySchedulesError
        schedule = Schedule(owner_id=owner.pk, kind=kind, type=type, **_columns(plan))
        schedule.next_run_at = next(times_from(schedule, database_now()), None)
        schedule.save()
        save_beat_row(schedule)
    return schedule


def change_schedule(schedule_id: UUID, *, plan: Plan) -> None:
    """Change a schedule. A change of its times counts from now on. Raises InvalidRecurrenceError, DoesNotExist."""
    check_recurrence(plan.recurrence, min_minutes=settings.SCHEDULE_MIN_MINUTES)
    with _locked(schedule_id) as schedule:
        times = (schedule.recurrence, schedule.time_zone)
        for name, value in _columns(plan).items():
            setattr(schedule, name, value)
        if schedule.paused_at is None and times != (schedule.recurrence, schedule.time_zone):
            schedule.next_run_at = next(times_from(schedule, database_now()), None)
        schedule.failures = 0
        schedule.save(update_fields=[*_columns(plan), "next_run_at", "failures"])
        if not schedule.is_stopped_by_staff:
            save_beat_row(schedule)


def pause_schedule(schedule_id: UUID) -> None:
    """Pause a schedule. Nothing changes if it is paused. Raises DoesNotExist."""
    with _locked(schedule_id) as schedule:
        if schedule.paused_at is None:
            stop(schedule, Schedule.PauseReason.OWNER)


def resume_schedule(schedule_id: UUID) -> None:
    """Run a paused schedule again, from its next time on. What it missed meanwhile is not made up for.

    Nothing changes if it is not paused, also if staff have stopped it. Raises DoesNotExist.
    """
    with _locked(schedule_id) as schedule:
        if schedule.paused_at is None:
            return
        schedule.paused_at, schedule.pause_reason, schedule.failures = None, "", 0
        schedule.next_run_at = next(times_from(schedule, database_now()), None)
        schedule.save(update_fields=["paused_at", "pause_reason", "failures", "next_run_at"])
        save_beat_row(schedule)


def delete_schedule(schedule_id: UUID) -> None:
    """Delete a schedule with its history and its row of Beat. Its jobs stay. Raises DoesNotExist."""
    with _locked(schedule_id) as schedule:
        schedule.delete()
        delete_beat_row(schedule_id)


def run_now(schedule_id: UUID) -> ScheduleRun:
    """Place the order once more, now, also while the schedule is paused. Its own times do not change.

    If the queue is full, the run waits for room. Raises DoesNotExist, and TransitionError if the last one that was
    started by hand still waits.
    """
    with _locked(schedule_id) as schedule:
        if schedule.runs.filter(outcome=ScheduleRun.Outcome.WAITING).exists():
            raise TransitionError(f"a run of {schedule} still waits")
        run = ScheduleRun.objects.create(schedule=schedule, scheduled_for=Now(), is_manual=True)
        run.refresh_from_db(fields=["scheduled_for"])
        place(schedule, run)
        return run


@contextmanager
def _locked(schedule_id: UUID) -> Iterator[Schedule]:
    with transaction.atomic():
        schedule = locked(schedule_id)
        if schedule is None:
            raise Schedule.DoesNotExist
        yield schedule


def _columns(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "order": plan.order,
        "recurrence": plan.recurrence.to_json(),
        "time_zone": plan.time_zone,
        "mail": plan.mail,
        "mail_before_stop": "",
        "callback_url": plan.callback_url,
    }
