"""A user of the pages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import Preferences


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    """The client of ada, who lives in Tokyo."""
    Preferences.objects.create(user=owner, language="en", time_zone="Asia/Tokyo")
    client.force_login(owner)
    return client
