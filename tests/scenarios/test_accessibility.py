"""No page has a finding of axe's: WCAG 2.2 AA and best practices.

Each page is looked at once, on a desk and light or on a phone and dark; `make axe` looks at all in all four looks, and
at more pages of the same templates.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tests.support.accessible_pages import (
    admin_forms,
    admin_lists,
    admin_work,
    call_pages,
    upload_pages,
    user_pages,
    visitor_pages,
)
from tests.support.axe import (
    DESK_DARK,
    DESK_LIGHT,
    PHONE_DARK,
    PHONE_LIGHT,
    Look,
    assert_each_in_all_looks,
    assert_each_in_one_look,
    carry_session,
    findings_here,
    set_look,
    sign_in_with_content,
)

pytestmark = pytest.mark.django_db(transaction=True)


OF_USERS: Final = [user_pages, upload_pages, call_pages]
GROUPS: Final = [*OF_USERS, partial(admin_lists, every=False), admin_work, partial(admin_forms, every=False)]
ALL_GROUPS: Final = [*OF_USERS, partial(admin_lists, every=True), admin_work, partial(admin_forms, every=True)]
OTHER_LOOKS: Final = [pytest.param(look, marks=pytest.mark.axe) for look in (DESK_LIGHT, DESK_DARK, PHONE_LIGHT)]


@pytest.mark.parametrize("group", GROUPS)
def test_axe_has_no_findings(group: Callable[[], Iterable[str]], page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    assert_each_in_one_look(page, group())


@pytest.mark.axe
@pytest.mark.parametrize("group", ALL_GROUPS)
def test_axe_has_no_findings_in_any_look(
    group: Callable[[], Iterable[str]], page: Page, client: Client, live_url: str
) -> None:
    sign_in_with_content(page, client, live_url)
    assert_each_in_all_looks(page, group())


def test_axe_has_no_findings_before_somebody_signs_in(page: Page) -> None:
    assert_each_in_one_look(page, visitor_pages())


@pytest.mark.axe
def test_axe_has_no_findings_before_somebody_signs_in_in_any_look(page: Page) -> None:
    assert_each_in_all_looks(page, visitor_pages())


@pytest.mark.parametrize("look", [PHONE_DARK, *OTHER_LOOKS])
def test_axe_has_no_findings_where_somebody_is_not_let_in(
    look: Look, page: Page, client: Client, live_url: str
) -> None:
    set_look(page, look)
    for form, button in (("/admin/login/", "Log in"), ("/sign-in", "Sign in")):
        page.goto(form)
        page.get_by_label("User").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("Please enter")).to_be_visible()
        assert findings_here(page) == []
    AccessAttempt.objects.update(failures_since_start=settings.AXES_FAILURE_LIMIT)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    assert findings_here(page) == []
    client.force_login(User.objects.create_user("ada"))
    carry_session(page, client, live_url)
    page.goto("/admin/login/")
    expect(page.get_by_role("heading", name="The admin is for staff")).to_be_visible()
    assert findings_here(page) == []
