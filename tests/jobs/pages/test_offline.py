"""The page for when the server cannot be reached."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect


def test_the_script_changes_with_the_language(client: Client) -> None:
    english, japanese = (
        client.get("/service-worker.js", headers={"Accept-Language": language}).content.decode()
        for language in ("en", "ja")
    )
    names = [re.findall(r'"longhaul-([0-9a-f]{12})"', script) for script in (english, japanese)]
    assert len(names[0]) == len(names[1]) == 1
    assert names[0] != names[1]


def test_the_page_has_nothing_of_a_user(client: Client, owner: User) -> None:
    visitor = client.get("/offline").content
    client.force_login(owner)
    assert client.get("/offline").content == visitor


@pytest.mark.django_db(transaction=True)
def test_a_page_that_cannot_be_reached_says_so_and_comes_back(page: Page, live_url: str) -> None:
    page.goto("/sign-in")
    page.evaluate("navigator.serviceWorker.ready")
    page.context.set_offline(True)
    page.goto("/sign-in?next=/tokens")
    expect(page.get_by_role("heading", name="No connection to the server")).to_be_visible()
    expect(page.locator("main")).to_have_css("display", "block")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=20_000)
    expect(page).to_have_url(f"{live_url}/sign-in?next=/tokens")
