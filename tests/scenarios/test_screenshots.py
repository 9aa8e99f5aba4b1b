"""The pictures in README.md, of pages with real content, and the icons. `make screenshots` makes them again."""

import struct
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from examples.sales.seeding import seed_sales
from tests.support.axe import carry_session
from tests.support.stack import Stack

ROOT: Final = Path(__file__).resolve().parents[2]
IMAGES: Final = ROOT / "docs" / "images"
STATIC: Final = ROOT / "templates" / "static" / "longhaul"
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


def test_draw_the_card_of_link_previews_and_the_icons(page: Page) -> None:
    icon = STATIC / "icon.svg"
    (STATIC / "card.png").write_bytes(drawn(page, IMAGES / "card.svg", 1200, 630))
    # iOS rounds the icon by itself, and would show black where it is transparent.
    (STATIC / "touch-icon.png").write_bytes(drawn(page, icon, 180, 180, ground="#0a5bab"))
    (STATIC / "icon.ico").write_bytes(as_ico({size: drawn(page, icon, size, size) for size in (16, 32, 48)}))


def drawn(page: Page, svg: Path, width: int, height: int, *, ground: str = "none") -> bytes:
    """An SVG file as PNG."""
    page.set_viewport_size({"width": width, "height": height})
    style = f"body {{ margin: 0; background: {ground} }} svg {{ display: block; width: 100vw }}"
    page.set_content(f"<style>{style}</style>{svg.read_text()}")
    return page.screenshot(omit_background=True)


def as_ico(pictures: dict[int, bytes]) -> bytes:
    """Square PNGs by their size, as an ICO file."""
    at, entries = 6 + 16 * len(pictures), b""
    for size, png in pictures.items():
        entries += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(png), at)
        at += len(png)
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + b"".join(pictures.values())


def order_yearly_sales(page: Page, year: str) -> None:
    """Order the report, and wait for it."""
    page.goto("/reports/new?type=yearly-sales")
    page.locator("#parameters\\.year").fill(year)
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=20_000)


def take(page: Page, name: str) -> None:
    """What is in the window, as docs/images/{name}.png."""
    page.screenshot(path=IMAGES / f"{name}.png")
