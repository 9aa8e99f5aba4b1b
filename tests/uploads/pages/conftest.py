"""A user of the pages of uploads, in Django's test client and in Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import Browser, Page, Request

from tests.support.apps.warehouse.models import Tenant
from tests.support.axe import carry_session
from tests.support.upload_form import FORM, LARGE


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    """The owner may upload items for it."""
    return Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def send(signed_in: Client) -> Callable[..., Any]:
    """Send the form of items with a file, as a browser does: the fields first."""

    def post(
        data: bytes, *, name: str = "rows.csv", client: Client = signed_in, of: str = "items", **fields: str
    ) -> Any:
        fields = {"encoding": "", "delimiter": "", "mode": "atomic", "dryRun": "true", **fields}
        return client.post(f"/uploads/new?type={of}", {**fields, "file": SimpleUploadedFile(name, data)})

    return post


@pytest.fixture
def plain_page(browser: Browser, signed_in: Client, live_url: str) -> Any:
    """A page in Chromium without JavaScript whose user is signed in."""
    context = browser.new_context(base_url=live_url, java_script_enabled=False, locale="en")
    page: Page = context.new_page()
    carry_session(page, signed_in, live_url)
    yield page
    context.close()


@pytest.fixture
def form(page: Page, signed_in: Client, live_url: str) -> Page:
    """The form of items, of a user who is signed in. Each test says what Chromium may complain about."""
    carry_session(page, signed_in, live_url)
    page.goto(FORM)
    return page


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    path.write_bytes(LARGE)
    return path


@pytest.fixture
def patches(page: Page) -> list[int]:
    """The offset of each request that sends bytes, in their order."""
    offsets: list[int] = []

    def hear(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    page.on("request", hear)
    return offsets
