"""Fixtures for uploads over HTTP."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.support.apps.warehouse.models import Tenant
from uploads.types import UPLOAD_TYPES

CSV = b"Code,Name,Price\r\nA-1,Bolt,1.50\r\n"


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    """The owner may upload items for it."""
    return Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def small_items(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small limit of a file of items. Bytes."""
    monkeypatch.setattr(type(UPLOAD_TYPES.find("items")), "max_bytes", 1000)
    return 1000


@pytest.fixture
def send(api: APIClient) -> Callable[..., Any]:
    """Upload a body of items."""

    def post(body: bytes = CSV, *, content_type: str = "text/csv", client: APIClient = api, **query: Any) -> Any:
        headers = query.pop("headers", {})
        asked = {"uploadType": "items", **query}
        return client.post(f"/api/uploads?{urlencode(asked)}", data=body, content_type=content_type, headers=headers)

    return post
