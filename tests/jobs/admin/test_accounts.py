"""Administrators manage accounts, but not those above them."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> Client:
    user = User.objects.create_user("eve", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    client.force_login(user)
    return client


def test_a_superuser_cannot_be_deleted_or_given_another_password_from_below(administrator: Client) -> None:
    root = User.objects.create_superuser("root", password="old-old-old")
    selected = {"action": "delete_selected", "_selected_action": str(root.pk), "post": "yes"}
    administrator.post("/admin/auth/user/", selected)
    administrator.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"})
    new = {"password1": "new-new-new", "password2": "new-new-new"}
    assert administrator.post(f"/admin/auth/user/{root.pk}/password/", new).status_code == 403
    root.refresh_from_db()
    assert root.check_password("old-old-old")


def test_an_administrator_gives_roles_and_nothing_above_them(administrator: Client) -> None:
    clerk = User.objects.create_user("clerk")
    viewer = Group.objects.get(name="viewer")
    administrator.post(
        f"/admin/auth/user/{clerk.pk}/change/",
        {"username": "clerk", "is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": [viewer.pk],
         "user_permissions": [1], "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"},
    )  # fmt: skip
    clerk.refresh_from_db()
    assert (clerk.is_staff, clerk.is_superuser, list(clerk.groups.all())) == (True, False, [viewer])
    assert not clerk.user_permissions.exists()
