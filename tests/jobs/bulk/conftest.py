"""A user who may do everything."""

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def actor(db: None) -> User:
    return User.objects.create_superuser("grace")
