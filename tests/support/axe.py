"""What axe finds on a page, in the four looks that a page has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import cycle, product
from typing import Final, Literal, NamedTuple

from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page

from tests.support.accessible_pages import make_content

RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]
}  # fmt: skip
#: The violations alone: the whole answer names every element of the page, and takes longer to send than to find.
RUN: Final = """async rules => (await axe.run(rules)).violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.html.slice(0, 300)} | ${node.failureSummary.slice(0, 300)}`))"""


class Look(NamedTuple):
    """A size of the window, in pixels, and the scheme of colors."""

    width: int
    height: int
    scheme: Literal["light", "dark"]


DESK_LIGHT, DESK_DARK = Look(1280, 900, "light"), Look(1280, 900, "dark")
PHONE_LIGHT, PHONE_DARK = Look(390, 844, "light"), Look(390, 844, "dark")


def sign_in_with_content(page: Page, client: Client, live_url: str) -> None:
    """As a superuser, where every list has something."""
    root = User.objects.create_superuser("root")
    make_content(root)
    client.force_login(root)
    carry_session(page, client, live_url)


def carry_session(page: Page, client: Client, live_url: str) -> None:
    """Whoever is signed in in the test client is in the browser, too."""
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])


def assert_each_in_one_look(page: Page, paths: Iterable[str]) -> None:
    """Every other page on a desk and light, the others on a phone and dark."""
    assert_no_findings(page, zip(paths, cycle((DESK_LIGHT, PHONE_DARK)), strict=False))


def assert_each_in_all_looks(page: Page, paths: Iterable[str]) -> None:
    assert_no_findings(page, product(paths, (DESK_LIGHT, DESK_DARK, PHONE_LIGHT, PHONE_DARK)))


def findings(page: Page, path: str, look: Look) -> Iterator[str]:
    """What axe says of one page in one look."""
    set_look(page, look)
    page.goto(path, wait_until="load")  # again: the admin's theme looks at the scheme once
    if path == "/api/docs":
        page.wait_for_selector(".opblock")
    yield from findings_here(page)


def set_look(page: Page, look: Look) -> None:
    page.set_viewport_size({"width": look.width, "height": look.height})
    page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")


def findings_here(page: Page) -> list[str]:
    """What axe says of the page that is open."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(RUN, RULES)
    return found


def assert_no_findings(page: Page, looks: Iterable[tuple[str, Look]]) -> None:
    """Fails with each finding once, and all pages and looks that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, look in looks:
        for what in findings(page, path, look):
            found[what].append(f"{path} {look.width} {look.scheme}")
    assert found == {}, "\n".join(f"{what}\n    {where}" for what, where in found.items())
