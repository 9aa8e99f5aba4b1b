"""Roles are shipped as groups."""

import pytest
from django.contrib.auth.models import Group, Permission

from jobs.maintenance.roles import ADMINISTRATOR, OPERATOR, ROLES, VIEWER, seed_roles

pytestmark = pytest.mark.django_db


def permissions(group: Group) -> set[str]:
    pairs = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def test_migrate_made_them() -> None:
    assert {group.name: permissions(group) for group in Group.objects.all()} == {
        name: set(wanted) for name, wanted in ROLES.items()
    }


def test_each_may_what_the_one_below_may_and_more() -> None:
    assert VIEWER < OPERATOR < ADMINISTRATOR
    assert all(".view_" in permission for permission in VIEWER)


def test_what_an_administrator_changed_stays() -> None:
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="requeue_job"))
    Group.objects.get(name="operator").delete()
    seed_roles()
    assert permissions(viewer) == VIEWER | {"jobs.requeue_job"}
    assert permissions(Group.objects.get(name="operator")) == OPERATOR
