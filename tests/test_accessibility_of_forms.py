"""No page of one object has a finding of axe's; a file of its own, so that another process can take it."""

from collections.abc import Callable, Iterable
from typing import Final

import pytest
from django.test import Client
from playwright.sync_api import Page

from tests.accessible_pages import admin_forms, admin_work
from tests.axe import assert_each_in_all_looks, assert_each_in_one_look, sign_in_with_content

pytestmark = pytest.mark.django_db(transaction=True)

GROUPS: Final = [admin_work, admin_forms]


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
