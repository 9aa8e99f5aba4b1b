"""A schedule that Beat could not run is refused where it is typed; one that stands in the table can be opened."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from jobs.admin.celery import PeriodicTaskForm
from tests.support.nonsense import NONSENSE

pytestmark = pytest.mark.django_db
BEAT = "/admin/django_celery_beat"
NO_TASKS = {"periodictask_set-TOTAL_FORMS": 0, "periodictask_set-INITIAL_FORMS": 0}


@pytest.fixture
def task() -> PeriodicTask:
    return PeriodicTask.objects.get(name="jobs.release_due_jobs")


def as_typed(task: PeriodicTask, /, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the row, with other values in some fields."""
    form = PeriodicTaskForm(instance=task)
    values = {name: form[name].value() for name in form.fields} | changes
    return {name: value for name, value in values.items() if value not in (None, False)}


@pytest.mark.slow
@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in NONSENSE.items() for value in values])
def test_nonsense_is_refused_at_its_field_and_changes_nothing(
    staff: Client, task: PeriodicTask, field: str, value: Any
) -> None:
    answer = staff.post(f"{BEAT}/periodictask/{task.pk}/change/", as_typed(task, **{field: value}))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}
    assert getattr(PeriodicTask.objects.get(pk=task.pk), field) == getattr(task, field)


def test_what_is_fine_is_saved(staff: Client, task: PeriodicTask) -> None:
    typed = as_typed(task, headers='{"mine": 1}', priority=3)
    assert staff.post(f"{BEAT}/periodictask/{task.pk}/change/", typed).status_code == 302
    assert PeriodicTask.objects.get(pk=task.pk).headers == '{"mine": 1}'


def test_what_cannot_be_run_is_switched_off_on_its_page_and_not_on_in_the_list(
    staff: Client, task: PeriodicTask
) -> None:
    PeriodicTask.objects.filter(pk=task.pk).update(task="no.such.task", args="[1")
    other = PeriodicTask.objects.exclude(pk=task.pk).earliest("pk")
    typed = as_typed(PeriodicTask.objects.get(pk=task.pk), enabled=False)
    assert staff.post(f"{BEAT}/periodictask/{task.pk}/change/", typed).status_code == 302
    PeriodicTask.objects.filter(pk=other.pk).update(enabled=False)
    chosen = {"action": "enable_tasks", "_selected_action": [task.pk, other.pk]}
    answer = staff.post(f"{BEAT}/periodictask/", chosen, follow=True).content.decode()
    assert f"{task.name} was not enabled. This is not valid JSON" in answer
    enabled = PeriodicTask.objects.filter(enabled=True)
    assert not enabled.filter(pk=task.pk).exists()
    assert enabled.filter(pk=other.pk).exists()


def test_a_schedule_is_chosen_once(staff: Client, task: PeriodicTask) -> None:
    crontab = CrontabSchedule.objects.create()
    for changes in ({"interval": ""}, {"crontab": crontab.pk}):
        answer = staff.post(f"{BEAT}/periodictask/{task.pk}/change/", as_typed(task, **changes))
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("intervalschedule", {"every": 1, "period": "microseconds"}),
        ("intervalschedule", {"every": 2**31 - 1, "period": "days"}),
        ("crontabschedule", {"minute": "0", "hour": "0", "day_of_month": "31", "month_of_year": "2",
                             "day_of_week": "*", "timezone": "UTC"}),
        ("solarschedule", {"event": "sunrise", "latitude": "90", "longitude": "0"}),
    ],
)  # fmt: skip
def test_a_schedule_without_a_next_run_is_refused(staff: Client, kind: str, typed: dict[str, Any]) -> None:
    answer = staff.post(f"{BEAT}/{kind}/add/", {**typed, **NO_TASKS})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors()


def test_what_stands_in_the_tables_can_be_opened_and_mended(staff: Client, task: PeriodicTask) -> None:
    crontab = CrontabSchedule.objects.create()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET minute = 'x', timezone = 'Mars/Olympus'")
    PeriodicTask.objects.filter(pk=task.pk).update(headers="[]", args="x", crontab=crontab)
    shown = staff.get("/admin/")
    assert shown.status_code == 200
    assert "Beat skips the schedule jobs.release_due_jobs" in shown.content.decode()
    pages = ("periodictask/", f"periodictask/?id={task.pk}", f"periodictask/{task.pk}/change/", "crontabschedule/")
    for page in (*pages, f"crontabschedule/{crontab.pk}/change/"):
        assert staff.get(f"{BEAT}/{page}").status_code == 200, page
    mended = as_typed(task, headers="{}", args="[]", crontab="")
    assert staff.post(f"{BEAT}/periodictask/{task.pk}/change/", mended).status_code == 302
    assert "Beat skips the schedule" not in staff.get("/admin/").content.decode()


def test_the_page_of_a_task_without_any_schedule_opens(staff: Client, task: PeriodicTask) -> None:
    PeriodicTask.objects.filter(pk=task.pk).update(interval=None)
    assert staff.get(f"{BEAT}/periodictask/{task.pk}/change/").status_code == 200
    IntervalSchedule.objects.update(period="nonsense", every=0)
    assert staff.get(f"{BEAT}/intervalschedule/").status_code == 200
    assert staff.get("/admin/").status_code == 200


def test_running_a_task_that_cannot_be_sent_says_so(staff: Client, task: PeriodicTask) -> None:
    PeriodicTask.objects.filter(pk=task.pk).update(headers="[]")
    run = {"action": "run_tasks", "_selected_action": task.pk}
    answer = staff.post(f"{BEAT}/periodictask/", run, follow=True)
    assert "jobs.release_due_jobs was not sent." in answer.content.decode()
