"""Fixtures, which a conftest imports: pages in the installed Firefox. Each test has its own cookies and storage.

Playwright drives Firefox by WebDriver BiDi, which Firefox speaks itself: no geckodriver, and no build of Playwright's
own. It makes an empty profile with Mozilla's preferences for automation (no updates, telemetry or first-run pages).
Firefox listens on the loopback address only. It ends with Playwright's driver, and that with this process, even if
this process is killed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Playwright

from tests.support.axe import carry_session
from tests.support.complaints import complaints_of

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox")
#: What Playwright cannot ask of Firefox by BiDi: pages without scripts, and in dark colors.
PLAIN_AND_DARK: Final = {"javascript.enabled": False, "layout.css.prefers-color-scheme.content-override": 0}


def launch(playwright: Playwright, preferences: dict[str, str | float | bool]) -> Browser:
    return playwright.firefox.launch(channel="moz-firefox", executable_path=FIREFOX, firefox_user_prefs=preferences)


@contextmanager
def opened(browser: Browser, live_url: str) -> Iterator[Page]:
    """A page of a new user of the browser. Fails at the end if the browser has complained."""
    context = browser.new_context(base_url=live_url, viewport={"width": 1280, "height": 900})
    context.set_default_navigation_timeout(90_000)  # as in Chromium, while other tests start their services
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert complaints == [], complaints


@pytest.fixture(scope="module")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """One Firefox for all tests of a module: it takes seconds to start."""
    browser = launch(playwright, {})
    yield browser
    browser.close()


@pytest.fixture
def page_in_firefox(transactional_db: None, firefox: Browser, live_url: str) -> Iterator[Page]:
    """A page whose user is not signed in."""
    with opened(firefox, live_url) as page:
        yield page


@pytest.fixture
def ada_in_firefox(page_in_firefox: Page, signed_in: Client, live_url: str) -> Page:
    """A page whose user is signed in."""
    carry_session(page_in_firefox, signed_in, live_url)
    return page_in_firefox


@pytest.fixture
def page_without_scripts(
    transactional_db: None, playwright: Playwright, signed_in: Client, live_url: str
) -> Iterator[Page]:
    """A page without JavaScript in dark colors, whose user is signed in.

    What Playwright does by timers of the page would hang: `press` keys and ask for `inner_text`, instead of `click`,
    `fill` and `expect`.
    """
    browser = launch(playwright, {**PLAIN_AND_DARK})
    with opened(browser, live_url) as page:
        carry_session(page, signed_in, live_url)
        yield page
    browser.close()
