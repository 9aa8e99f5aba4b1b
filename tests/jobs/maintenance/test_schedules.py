"""What is wrong with a schedule is found, field by field; what is right is let through."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from jobs.maintenance.beat import SafeEntry
from jobs.maintenance.schedules import enabled_schedules, faults_of
from tests.support.nonsense import NONSENSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> PeriodicTask:
    return PeriodicTask.objects.get(name="jobs.release_due_jobs")


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in NONSENSE.items() for value in values])
def test_nonsense_in_a_field_is_found_there(task: PeriodicTask, field: str, value: Any) -> None:
    setattr(task, field, value)
    where = "args" if (field, value) == ("args", "[1]") else field
    assert set(faults_of(task)) == {where}


def test_the_schedules_of_a_fresh_database_are_fine() -> None:
    assert [(row.name, row.fault) for row in enabled_schedules() if row.fault] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("headers", None), ("headers", ""), ("headers", '{"mine": 1}'), ("args", ""), ("kwargs", ""),
        ("queue", None), ("queue", "operations"), ("routing_key", "housekeeping"), ("priority", 0), ("priority", 255),
        ("start_time", timezone.now()), ("expire_seconds", 0), ("one_off", True),
    ],
)  # fmt: skip
def test_what_can_be_run_is_let_through(task: PeriodicTask, field: str, value: Any) -> None:
    setattr(task, field, value)
    assert faults_of(task) == {}


def once(task: PeriodicTask) -> SafeEntry:
    """As Beat holds it after its only run, which is not written down yet."""
    PeriodicTask.objects.filter(pk=task.pk).update(one_off=True)
    entry: SafeEntry = next(SafeEntry(PeriodicTask.objects.get(pk=task.pk)))
    return entry


def test_what_is_to_run_once_is_switched_off_and_can_be_switched_on_again(task: PeriodicTask) -> None:
    entry = once(task)
    assert not entry.is_due().is_due
    row = PeriodicTask.objects.get(pk=task.pk)
    assert (row.enabled, row.total_run_count, row.last_run_at) == (False, 0, None)


def test_an_edit_since_the_run_of_what_is_to_run_once_stays(task: PeriodicTask) -> None:
    entry = once(task)
    edited = PeriodicTask.objects.get(pk=task.pk)
    edited.one_off, edited.description = False, "edited"
    edited.save()
    assert not entry.is_due().is_due
    row = PeriodicTask.objects.get(pk=task.pk)
    assert (row.enabled, row.one_off, row.description) == (True, False, "edited")


def test_two_expiries_and_none_or_two_schedules_are_found(task: PeriodicTask) -> None:
    task.expires = timezone.now()
    assert faults_of(task) == {"expire_seconds": "Set either this or the expiry time, not both."}
    task.expires = None
    task.crontab = CrontabSchedule.objects.create()
    assert faults_of(task) == {"interval": "Set exactly one of interval, crontab, solar event and clocked time."}
    task.crontab = task.interval = None
    assert set(faults_of(task)) == {"interval"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        IntervalSchedule(every=0, period="seconds"),
        IntervalSchedule(every=-5, period="seconds"),
        IntervalSchedule(every=999_999, period="microseconds"),
        IntervalSchedule(every=2**31 - 1, period="days"),
        IntervalSchedule(every=1, period="nonsense"),
        CrontabSchedule(minute="nonsense"),
        CrontabSchedule(hour="25"),
        CrontabSchedule(day_of_month="31", month_of_year="2"),
        CrontabSchedule(day_of_week="8"),
        CrontabSchedule(timezone="Mars/Olympus"),
        SolarSchedule(event="nonsense", latitude=0, longitude=0),
    ],
    ids=repr,
)
def test_a_schedule_that_has_no_next_run_is_found(task: PeriodicTask, row: Any) -> None:
    kind = {"IntervalSchedule": "interval", "CrontabSchedule": "crontab", "SolarSchedule": "solar"}[type(row).__name__]
    row.pk = 1_000_000
    task.interval = None
    setattr(task, kind, row)
    assert set(faults_of(task)) == {kind}


def test_a_clocked_task_must_be_one_off(task: PeriodicTask) -> None:
    task.interval = None
    task.clocked = ClockedSchedule.objects.create(clocked_time=timezone.now() + timedelta(days=1))
    assert faults_of(task) == {"one_off": "A clocked task runs only once, so turn this on."}
    task.one_off = True
    assert faults_of(task) == {}


def test_a_row_that_cannot_be_read_hides_no_other(task: PeriodicTask) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_periodictask SET start_time = 'infinity' WHERE id = %s", [task.pk])
    read = {row.name: row for row in enabled_schedules()}
    assert read[task.name].task is None
    assert read[task.name].fault.startswith("Its row cannot be read: ")
    assert [row.name for row in read.values() if row.fault] == [task.name]


def test_a_time_zone_that_is_unknown_is_a_fault_and_no_error(task: PeriodicTask) -> None:
    PeriodicTask.objects.filter(pk=task.pk).update(interval=None, crontab=CrontabSchedule.objects.create())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus'")
    [fault] = [row.fault for row in enabled_schedules() if row.fault]
    assert fault.startswith("crontab: The next run cannot be calculated: ")
