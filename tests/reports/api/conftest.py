"""A client of the API, signed in by a token."""

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.support.tokens import bearer_of


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner)}")
    return client
