"""Administrators manage accounts, but not those above them."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from jobs.models import AuditEntry
from jobs.models.token import ApiToken

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


def test_a_token_goes_with_all_that_it_issued_and_each_is_told_of(administrator: Client) -> None:
    ada = User.objects.create_user("ada")
    token, _ = ApiToken.objects.create(ada)
    child, _ = ApiToken.objects.create(ada, issued_by=token)
    ApiToken.objects.create(ada, issued_by=child)
    beside, _ = ApiToken.objects.create(ada)
    administrator.post(f"/admin/jobs/apitoken/{child.pk}/change/", {"requests_per_minute": "7"})
    child.refresh_from_db()
    changed = AuditEntry.objects.get(target_id=str(child.id))
    assert (child.requests_per_minute, changed.after["changed"]) == (7, ["Requests per minute"])
    page = administrator.get(f"/admin/jobs/apitoken/{child.pk}/change/").content.decode()
    assert str(token) in page
    answer = administrator.post(f"/admin/jobs/apitoken/{token.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert AuditEntry.objects.filter(target_id=str(child.id), action="delete").count() == 1
    assert list(ApiToken.objects.all()) == [beside]
    assert AuditEntry.objects.filter(target_type="token", action="delete", actor="eve").count() == 3
