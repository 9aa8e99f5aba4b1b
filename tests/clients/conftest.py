"""Whoever the clients sign in as."""

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("ada")
