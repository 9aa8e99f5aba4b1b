"""Changes of schedules and accounts are in the audit trail, too."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from jobs.models import AuditEntry

pytestmark = pytest.mark.django_db
JOINED = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}


def trail() -> list[tuple[Any, ...]]:
    return list(AuditEntry.objects.order_by("id").values_list("actor", "action", "target_type", "target_id"))


def test_a_schedule_that_is_switched_off_by_an_action(staff: Client) -> None:
    task = PeriodicTask.objects.get(name="jobs.prune_jobs")
    staff.post("/admin/django_celery_beat/periodictask/", {"action": "disable_tasks", "_selected_action": task.pk})
    assert not PeriodicTask.objects.get(pk=task.pk).enabled
    assert trail() == [("root", "change", "periodic task", str(task.pk))]
    assert AuditEntry.objects.get().after == {"action": "disable_tasks"}


def test_what_is_changed_is_named_but_not_its_value(staff: Client, owner: User) -> None:
    viewer = Group.objects.get(name="viewer")
    staff.post(f"/admin/auth/user/{owner.pk}/change/", {"username": "ada", "groups": [viewer.pk], **JOINED})
    staff.post(f"/admin/auth/user/{owner.pk}/password/", {"password1": "sesame-12345", "password2": "sesame-12345"})
    assert trail() == [("root", "change", "user", str(owner.pk))] * 2
    assert "Groups" in AuditEntry.objects.earliest("id").after["changed"]
    assert "sesame" not in str(list(AuditEntry.objects.values()))


def test_what_is_added_and_deleted(staff: Client) -> None:
    no_tasks = {"periodictask_set-TOTAL_FORMS": 0, "periodictask_set-INITIAL_FORMS": 0}
    staff.post("/admin/django_celery_beat/intervalschedule/add/", {"every": 7, "period": "days", **no_tasks})
    added = IntervalSchedule.objects.get(every=7)
    staff.post(f"/admin/django_celery_beat/intervalschedule/{added.pk}/delete/", {"post": "yes"})
    assert [entry[1:] for entry in trail()] == [
        ("add", "interval", str(added.pk)), ("delete", "interval", str(added.pk)),
    ]  # fmt: skip


def test_a_selection_that_is_deleted(staff: Client, make_user: Callable[[str], User]) -> None:
    users = [make_user("a"), make_user("b")]
    selected = {"action": "delete_selected", "_selected_action": [user.pk for user in users], "post": "yes"}
    staff.post("/admin/auth/user/", selected)
    assert sorted(entry[1:] for entry in trail()) == sorted(("delete", "user", str(user.pk)) for user in users)


@pytest.fixture
def make_user(db: None) -> Callable[[str], User]:
    return lambda name: User.objects.create_user(name)
