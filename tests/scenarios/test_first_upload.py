"""What a user does who has never been here: upload a file with a bad row, mend that row, and be done."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.axe import carry_session, findings_here
from tests.support.stack import Stack

#: Of a page that follows a job until it ends, in milliseconds.
PATIENCE = 60_000


@pytest.mark.django_db(transaction=True)
def test_six_clicks_from_the_start_page_to_a_mended_file(
    stack: Stack, page: Page, client: Client, owner: User, live_url: str, tmp_path: Path, complaints: list[str]
) -> None:
    Tenant.objects.create(code=owner.get_username())
    client.force_login(owner)
    carry_session(page, client, live_url)
    path = tmp_path / "items.csv"
    path.write_text("Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n")
    clicks: list[str] = []

    def click(role: str, name: str) -> None:
        page.get_by_role("main").get_by_role(role, name=name, exact=True).click(timeout=PATIENCE)  # type: ignore[arg-type]
        clicks.append(name)

    page.goto("/")
    assert findings_here(page) == []
    click("link", "Items")
    with page.expect_file_chooser() as choosing:
        page.locator("[data-dropzone]").click()
    choosing.value.set_files(path)
    clicks.append("the file")
    expect(page.locator("[data-recognized-says]")).to_have_text("All required columns were found.")
    click("button", "Upload")
    click("button", "Write the 1 good row")
    click("link", "Mend the rejected row")
    page.get_by_label("Price, line 3").fill("0.20")
    click("button", "Upload the mended rows")
    expect(page.locator(".badge").first).to_have_text("Complete", timeout=PATIENCE)
    assert len(clicks) <= 6, clicks
    prices = Item.objects.order_by("code").values_list("code", "price")
    assert list(prices) == [("A-1", Decimal("1.50")), ("A-2", Decimal("0.20"))]
