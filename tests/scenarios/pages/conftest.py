"""People at the pages of the whole service, each at a computer of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.support.axe import carry_session
from tests.support.fault_fixtures import browser, every_second, fault, owner
from tests.support.firefox import ada_in_firefox, firefox, page_in_firefox, page_without_scripts
from tests.support.page_faults import HURRY
from tests.support.page_fixtures import make_job, signed_in
from tests.support.stack import Stack

__all__ = [
    "ada_in_firefox",
    "browser",
    "every_second",
    "fault",
    "firefox",
    "make_job",
    "owner",
    "page_in_firefox",
    "page_without_scripts",
    "signed_in",
]

#: Chromium notes each request that fails. Anything else, such as a violation of the CSP, must not occur.
OF_THE_NETWORK = "Failed to load resource: "


@pytest.fixture
def visit(stack: Stack, browser: Browser, live_url: str) -> Iterator[Callable[..., Page]]:
    """Open a page whose user is signed in, in a browser context of its own. Options are those of a context."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(OF_THE_NETWORK):
            complaints.append(message.text)

    def make(user: User, **options: Any) -> Page:
        context = browser.new_context(**{"base_url": live_url, "locale": "en", **options})
        contexts.append(context)
        context.set_default_navigation_timeout(90_000)
        context.add_init_script(HURRY)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        client = Client()
        client.force_login(user)
        carry_session(page, client, live_url)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
