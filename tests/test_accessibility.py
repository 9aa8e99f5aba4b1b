"""No page has a finding of axe's: WCAG 2.2 AA and best practices.

Each page is looked at once, on a desk and light or on a phone and dark; `make axe` looks at all in all four looks.
"""

from collections.abc import Callable, Iterable
from typing import Final

import pytest
from django.test import Client
from playwright.sync_api import Page

from tests.accessible_pages import admin_forms, admin_lists, admin_work, user_pages
from tests.axe import assert_each_in_all_looks, assert_each_in_one_look, sign_in_with_content

pytestmark = pytest.mark.django_db(transaction=True)


def docs() -> list[str]:
    return ["/api/docs"]


GROUPS: Final = [user_pages, admin_lists, admin_work, admin_forms, docs]


@pytest.mark.parametrize("group", GROUPS)
def test_axe_has_no_findings(group: Callable[[], Iterable[str]], page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    assert_each_in_one_look(page, group())


@pytest.mark.axe
@pytest.mark.parametrize("group", GROUPS)
def test_axe_has_no_findings_in_any_look(
    group: Callable[[], Iterable[str]], page: Page, client: Client, live_url: str
) -> None:
    sign_in_with_content(page, client, live_url)
    assert_each_in_all_looks(page, group())
