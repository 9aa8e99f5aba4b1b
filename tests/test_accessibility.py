"""No page has a finding of axe's: WCAG 2.2 AA and best practices, on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page

from tests.accessible_pages import admin_forms, admin_lists, admin_work, make_content, user_pages

pytestmark = pytest.mark.django_db(transaction=True)

AXE: Any = Axe()
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]
RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]
}  # fmt: skip
CONTRAST: Final = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
#: Colors depend on the scheme, all else on the width.
LOOKS: Final[tuple[tuple[Scheme, tuple[tuple[Any, dict[str, Any]], ...]], ...]] = (
    ("light", ((DESK, RULES), (PHONE, CONTRAST))),
    ("dark", ((PHONE, RULES), (DESK, CONTRAST))),
)


def findings(page: Page, path: str, *, schemes: tuple[Scheme, ...]) -> Iterator[tuple[str, str]]:
    """What axe says of one page, and in which look."""
    for scheme, looks in LOOKS:
        if scheme not in schemes:
            continue
        page.emulate_media(color_scheme=scheme)
        page.goto(path, wait_until="load")  # again: the admin's theme looks at the scheme once
        if path == "/api/docs":
            page.wait_for_selector(".opblock")
        for size, options in looks:
            page.set_viewport_size(size)
            for found in AXE.run(page, options=options).response["violations"]:
                for node in found["nodes"]:
                    what = f"{found['id']}: {node['html'][:300]} | {node['failureSummary'][:300]}"
                    yield what, f"{path} {size['width']} {scheme}"


@pytest.mark.parametrize("group", ["user", "lists", "work", "forms", "docs"])
def test_axe_has_no_findings(group: str, page: Page, client: Client, live_url: str) -> None:
    root = User.objects.create_superuser("root")
    make_content(root)
    client.force_login(root)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    groups: dict[str, Callable[[], Iterable[str]]] = {
        "user": user_pages,
        "lists": admin_lists,
        "work": admin_work,
        "forms": admin_forms,
        "docs": lambda: ["/api/docs"],
    }
    # The forms are made of the same parts as the other pages of the admin, which are looked at in the dark, too.
    schemes: tuple[Scheme, ...] = ("light",) if group == "forms" else ("light", "dark")
    found: dict[str, list[str]] = defaultdict(list)
    for path in groups[group]():
        for what, where in findings(page, path, schemes=schemes):
            found[what].append(where)
    assert found == {}, "\n".join(f"{what}\n    {where}" for what, where in found.items())
