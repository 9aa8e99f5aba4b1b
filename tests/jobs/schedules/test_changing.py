"""What owners do with their schedules, and what follows for the rows of Beat."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from jobs.errors import TransitionError
from jobs.maintenance.scheduled_runs import run_due_schedules
from jobs.maintenance.schedules import faults_of
from jobs.models import Job, Schedule, ScheduleRun
from jobs.schedules.changing import (
    Plan,
    TooManySchedulesError,
    change_schedule,
    create_schedule,
    delete_schedule,
    pause_schedule,
    resume_schedule,
    run_now,
)
from jobs.schedules.recurrence import InvalidRecurrenceError, Recurrence
from jobs.schedules.times import next_times

pytestmark = pytest.mark.django_db

Clock = Callable[[str], None]
Make = Callable[..., Schedule]
DAILY = Recurrence("day", 7)


def plan_of(schedule: Schedule, **changes: Any) -> Plan:
    plan = Plan(
        schedule.name,
        schedule.order,
        Recurrence.from_json(schedule.recurrence),
        schedule.time_zone,
        schedule.mail,
        schedule.callback_url,
    )
    return replace(plan, **changes)


def next_run(schedule: Schedule) -> str:
    schedule.refresh_from_db()
    return str(schedule.next_run_at)


def test_a_schedule_has_a_row_of_beat_that_staff_can_read(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule()
    row = PeriodicTask.objects.get(task="jobs.run_schedule")
    assert (schedule.periodic_task, row.enabled, row.queue) == (row, True, "housekeeping")
    assert (row.name, row.args) == (f"Schedule {schedule.pk}", f'["{schedule.pk}"]')
    assert row.description == "report order-lines of ada: Last week"
    assert str(row.crontab) == "0 7 * * 1 (m/h/dM/MY/d) Asia/Tokyo"
    assert faults_of(row) == {}


def test_schedules_with_the_same_times_share_a_crontab(clock: Clock, make_schedule: Make) -> None:
    crontabs = CrontabSchedule.objects.filter(hour="7", timezone="Asia/Tokyo")
    for _ in range(2):
        make_schedule()
    assert crontabs.count() == 1
    make_schedule(time_zone="Europe/Berlin")
    assert crontabs.count() == 1


def test_the_next_times_are_those_of_the_zone(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(Recurrence("day", 2, 30), time_zone="Europe/Berlin")
    assert [str(time) for time in next_times(schedule, 2)] == ["2026-11-30 01:30:00+00:00", "2026-12-01 01:30:00+00:00"]


def test_a_change_of_the_times_counts_from_now_on(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-11-30T06:00+09:00")
    change_schedule(schedule.pk, plan=plan_of(schedule, recurrence=Recurrence("day", 5), name="Earlier"))
    assert next_run(schedule) == "2026-11-30 20:00:00+00:00"
    assert schedule.name == "Earlier"
    row = PeriodicTask.objects.get(task="jobs.run_schedule")
    assert str(row.crontab).startswith("0 5 * * *")
    assert row.description.endswith(": Earlier")


def test_a_change_of_the_order_leaves_the_times_alone(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-11-30T07:00+09:00")  # due, but nothing has rung yet
    change_schedule(schedule.pk, plan=plan_of(schedule, mail="always"))
    assert next_run(schedule) == "2026-11-29 22:00:00+00:00"


def test_a_change_does_not_undo_what_staff_did(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    PeriodicTask.objects.filter(task="jobs.run_schedule").update(enabled=False)
    change_schedule(schedule.pk, plan=plan_of(schedule, mail="always"))
    resume_schedule(schedule.pk)
    assert not PeriodicTask.objects.get(task="jobs.run_schedule").enabled


def test_a_paused_schedule_does_not_run_and_makes_up_for_nothing(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    for _ in range(2):
        pause_schedule(schedule.pk)
    assert next_run(schedule) == "None"
    assert (schedule.pause_reason, next_times(schedule, 5)) == ("owner", [])
    assert not PeriodicTask.objects.get(task="jobs.run_schedule").enabled
    clock("2026-12-02T12:00+09:00")
    assert run_due_schedules() == 0
    for _ in range(2):
        resume_schedule(schedule.pk)
    assert next_run(schedule) == "2026-12-02 22:00:00+00:00"
    assert (schedule.paused_at, schedule.pause_reason) == (None, "")
    assert PeriodicTask.objects.get(task="jobs.run_schedule").enabled
    assert run_due_schedules() == 0


def test_a_paused_schedule_that_is_changed_stays_paused(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    pause_schedule(schedule.pk)
    change_schedule(schedule.pk, plan=plan_of(schedule, recurrence=Recurrence("day", 5)))
    assert next_run(schedule) == "None"
    assert not PeriodicTask.objects.get(task="jobs.run_schedule").enabled


def test_a_deleted_schedule_leaves_its_jobs(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule()
    run_now(schedule.pk)
    delete_schedule(schedule.pk)
    assert not PeriodicTask.objects.filter(task="jobs.run_schedule").exists()
    assert (Schedule.objects.count(), ScheduleRun.objects.count(), Job.objects.count()) == (0, 0, 1)
    for change in (pause_schedule, resume_schedule, delete_schedule, run_now):
        with pytest.raises(Schedule.DoesNotExist):
            change(schedule.pk)


def test_a_run_by_hand_that_waits_is_not_started_again(
    clock: Clock, make_schedule: Make, full_queue: Callable[[int | None], None]
) -> None:
    schedule = make_schedule()
    pause_schedule(schedule.pk)
    full_queue(0)
    assert run_now(schedule.pk).outcome == "waiting"
    clock("2026-11-29T12:01+09:00")
    with pytest.raises(TransitionError):
        run_now(schedule.pk)
    full_queue(None)
    assert run_due_schedules() == 1
    assert ScheduleRun.objects.get().outcome == "ordered"


def test_a_user_has_a_limited_number_of_schedules(
    clock: Clock, make_schedule: Make, settings: Any, django_user_model: type[User]
) -> None:
    settings.SCHEDULES_PER_USER = 2
    plan = plan_of(make_schedule())
    make_schedule()
    with pytest.raises(TooManySchedulesError):
        make_schedule()
    bob = django_user_model.objects.create_user("bob")
    assert create_schedule(owner=bob, kind="report", type="order-lines", plan=plan).owner == bob


def test_a_recurrence_that_runs_too_often_is_refused(clock: Clock, make_schedule: Make, settings: Any) -> None:
    with pytest.raises(InvalidRecurrenceError):
        make_schedule(Recurrence("cron", expression="* * * * *"))
    schedule = make_schedule()
    with pytest.raises(InvalidRecurrenceError):
        change_schedule(schedule.pk, plan=plan_of(schedule, recurrence=Recurrence("week", 7)))
    settings.SCHEDULE_MIN_MINUTES = 1
    make_schedule(Recurrence("cron", expression="* * * * *"))


def test_an_operator_who_raises_the_minimum_thins_out_existing_schedules(
    clock: Clock, make_schedule: Make, settings: Any
) -> None:
    schedule = make_schedule(Recurrence("cron", expression="*/15 * * * *"))
    settings.SCHEDULE_MIN_MINUTES = 60
    assert [f"{time:%H:%M}" for time in next_times(schedule, 3)] == ["03:00", "04:00", "05:00"]
