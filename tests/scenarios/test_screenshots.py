"""The pictures in README.md, of pages with real content. `make screenshots` takes them again."""

from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from examples.sales.seeding import seed_sales
from tests.support.axe import carry_session
from tests.support.stack import Stack

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
CSV: Final = "sku,name,category,list_price\nP-9001,Anvil,Tools,12.50\nP-9002,Rope,Tools,cheap\n,Lamp,Home,3\n"

pytestmark = [pytest.mark.screenshots, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(stack: Stack, owner: User, client: Client, page: Page, live_url: str) -> Page:
    list(seed_sales(lines=50_000, using="default"))
    client.force_login(owner)
    carry_session(page, client, live_url)
    page.set_viewport_size({"width": 1280, "height": 800})
    return page


def test_take_them(desk: Page) -> None:
    for year in ("2022", "2023"):
        order_yearly_sales(desk, year)
    desk.get_by_role("heading", name="Revenue by month").scroll_into_view_if_needed()
    expect(desk.locator(".u-wrap canvas")).to_be_visible()
    desk.evaluate("scrollTo(0, 0)")
    take(desk, "report")

    desk.goto("/uploads/new?type=products")
    desk.locator("#file").set_input_files({"name": "products.csv", "mimeType": "text/csv", "buffer": CSV.encode()})
    desk.get_by_role("button", name="Check first").click()
    desk.get_by_role("link", name="Mend the 2 rejected rows").click(timeout=20_000)
    expect(desk.get_by_role("heading", name="Mend the rejected rows")).to_be_visible()
    take(desk, "mend")

    desk.goto("/")
    expect(desk.get_by_role("heading", name="Ready")).to_be_visible()
    take(desk, "home")


def order_yearly_sales(page: Page, year: str) -> None:
    """Order the report, and wait for it."""
    page.goto("/reports/new?type=yearly-sales")
    page.locator("#parameters\\.year").fill(year)
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=20_000)


def take(page: Page, name: str) -> None:
    """What is in the window, as docs/images/{name}.png."""
    page.screenshot(path=IMAGES / f"{name}.png")
