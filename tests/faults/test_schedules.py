"""Beat over rows that it cannot run: it skips them, and the sweeps go on."""

from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from jobs.maintenance.schedules import enabled_schedules
from jobs.models import Sweep
from tests.support.nonsense import NONSENSE
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("every_second")

#: Columns of a periodic task that hold a time.
TIMES = ("start_time", "expires", "last_run_at", "date_changed")


def fine(name: str) -> PeriodicTask:
    """A task of its own beside the seeded ones."""
    interval = IntervalSchedule.objects.filter(period="seconds").earliest("pk")
    return PeriodicTask(name=name, task="jobs.count_activity", interval=interval, queue="housekeeping")


def insert_nonsense() -> set[str]:
    """A task for each value of each field that no form lets through; returns their names."""
    tasks = [
        task_with(f"{field} {number}", **{field: value})
        for field, values in NONSENSE.items()
        for number, value in enumerate(values)
    ]
    schedules: list[Any] = [
        IntervalSchedule(every=0, period="seconds"),
        IntervalSchedule(every=-1, period="seconds"),
        IntervalSchedule(every=1, period="microseconds"),
        IntervalSchedule(every=2**31 - 1, period="days"),
        IntervalSchedule(every=1, period="fortnights"),
        CrontabSchedule(minute="nonsense"),
        CrontabSchedule(hour="25"),
        CrontabSchedule(day_of_month="31", month_of_year="2"),
        CrontabSchedule(hour="4", timezone="UTC", day_of_week="nonsense"),
        CrontabSchedule(month_of_year="13"),
        SolarSchedule(event="nonsense", latitude=90, longitude=180),
    ]
    kinds = {IntervalSchedule: "interval", CrontabSchedule: "crontab", SolarSchedule: "solar"}
    for number, schedule in enumerate(schedules):
        type(schedule).objects.bulk_create([schedule])  # without save() and its checks
        tasks.append(task_with(f"schedule {number}", **{"interval": None, kinds[type(schedule)]: schedule}))
    unknown = CrontabSchedule.objects.create(hour="5")
    tasks.append(task_with("time zone", interval=None, crontab=unknown))
    clocked = ClockedSchedule.objects.create(clocked_time="2020-01-01T00:00:00Z")
    tasks.append(task_with("clocked and not one-off", interval=None, clocked=clocked))
    tasks.append(task_with("two schedules", crontab=unknown))
    tasks.append(task_with("no schedule", interval=None))
    tasks.append(task_with("two expiries", expires="2999-01-01T00:00:00Z", expire_seconds=5))
    tasks += [fine(f"{column} is infinite") for column in TIMES]
    PeriodicTask.objects.bulk_create(tasks)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus' WHERE hour = '5'")
        for column in TIMES:
            cursor.execute(
                f"UPDATE django_celery_beat_periodictask SET {column} = 'infinity' WHERE name = %s",  # noqa: S608
                [f"{column} is infinite"],
            )
    PeriodicTasks.update_changed()
    return {task.name for task in tasks}


def task_with(name: str, /, **fields: Any) -> PeriodicTask:
    task = fine(name)
    for field, value in fields.items():
        setattr(task, field, value)
    return task


def wait_for_all_sweeps() -> None:
    """Each has run to its end after now."""
    names = set(Sweep.objects.values_list("name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()
    wait_until(
        lambda: set(Sweep.objects.filter(last_finished_at__gt=now).values_list("name", flat=True)) >= names,
        timeout=60,
        message="each sweep has run",
    )


@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
def test_beat_skips_what_it_cannot_run_and_says_so_once(stack: Stack, when: str) -> None:
    before = len(stack.log("beat"))
    bad = insert_nonsense() if when == "before it starts" else set()
    with stack.running("beat"):
        wait_until(lambda: Sweep.objects.count() > 5, timeout=40, message="Beat rings")
        bad = bad or insert_nonsense()
        skipped = wait_until(lambda: told(stack, before) if told(stack, before).keys() >= bad else None, timeout=60)
        wait_for_all_sweeps()
        PeriodicTask.objects.filter(name="no schedule").delete()  # Beat reads all rows again
        PeriodicTasks.update_changed()
        PeriodicTask.objects.filter(name="headers 1").update(headers="{}", last_run_at=None)
        PeriodicTasks.update_changed()
        wait_until(
            lambda: PeriodicTask.objects.filter(name="headers 1", total_run_count__gt=0).exists(),
            timeout=60,
            message="a schedule that was mended is run",
        )
        skipped = told(stack, before)
    assert set(skipped) == bad
    assert set(skipped.values()) == {1}
    assert {row.name for row in enabled_schedules() if row.fault} == bad - {"no schedule", "headers 1"}


def told(stack: Stack, before: int) -> dict[str, int]:
    """Names of schedules that Beat's log says are skipped → how often."""
    names: dict[str, int] = {}
    for line in stack.log("beat")[before:].splitlines():
        if "schedule_skipped" in line:
            name = line.partition("name=")[2]
            name = name[1 : name.index(name[0], 1)] if name[0] in "'\"" else name.split()[0]
            names[name] = names.get(name, 0) + 1
    return names
