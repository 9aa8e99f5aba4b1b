"""Fixtures for resumable uploads."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.support.apps.warehouse.models import Tenant
from tests.support.tus import Tus
from uploads.models import ResumableUpload
from uploads.resumable.claiming import create_upload
from uploads.resumable.metadata import order_of


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


@pytest.fixture
def make(owner: User) -> Callable[..., ResumableUpload]:
    """A new upload of items, of so many bytes."""

    def upload(length: int, *, of: User = owner, **metadata: Any) -> ResumableUpload:
        order = order_of({"uploadType": "items", **metadata})
        return create_upload(owner=of, length_bytes=length, order=order, filename="items.csv", metadata="")

    return upload
