"""People of the staff, signed in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.people import client_of_role


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    """A superuser's browser."""
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def member(db: None) -> Callable[[str], Client]:
    """The browser of somebody of this role, whose name is the role's."""
    return client_of_role
