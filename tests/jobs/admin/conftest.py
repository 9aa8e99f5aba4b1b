"""People of the staff, signed in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    """A superuser's browser."""
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def member(db: None) -> Callable[[str], Client]:
    """The browser of somebody of this role, whose name is the role's."""

    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return sign_in
