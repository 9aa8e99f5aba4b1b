"""Fixtures for resumable uploads."""

import pytest
from django.contrib.auth.models import User

from tests.support.apps.warehouse.models import Tenant
from tests.support.tus import Tus


@pytest.fixture(autouse=True)
def tenant(request: pytest.FixtureRequest) -> None:
    """The owner may upload items for it."""
    if request.node.get_closest_marker("django_db"):
        owner = request.getfixturevalue("owner")
        Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def tus(transactional_db: None, owner: User, live_url: str) -> Tus:
    """A client of the owner, over real HTTP."""
    return Tus(live_url, owner)
