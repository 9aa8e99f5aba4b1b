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
    assert permissions(viewer) == ROLES["viewer"] | {"jobs.requeue_job"}
    assert permissions(Group.objects.get(name="operator")) == ROLES["operator"]


def test_an_app_adds_its_permissions_to_the_roles_that_need_them_and_to_those_above() -> None:
    viewing, deleting = "uploads.view_resumableupload", "uploads.delete_resumableupload"
    assert {
        name: [each in permissions(Group.objects.get(name=name)) for each in (viewing, deleting)] for name in ROLES
    } == {
        "viewer": [True, False],
        "operator": [True, True],
        "administrator": [True, True],
    }


def test_permissions_that_migrate_would_create_later_are_created_for_the_roles() -> None:
    """As in a fresh database, where `migrate` comes to the app `uploads` after the groups were made."""
    Group.objects.get(name="operator").delete()
    Permission.objects.filter(content_type__app_label="uploads").delete()
    seed_roles()
    assert permissions(Group.objects.get(name="operator")) == ROLES["operator"]
