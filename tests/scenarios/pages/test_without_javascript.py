"""Order to file, and file to rows, in a browser without JavaScript and with real workers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from examples.sales.models import Customer
from examples.sales.seeding import seed_sales
from jobs.models import Attempt
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.fault import Fault
from tests.support.waiting import wait_until

ROWS = b"Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n"


def reload_until(page: Page, heading: str) -> None:
    """Press the link until the page has this heading."""

    def is_shown() -> bool:
        if page.get_by_role("heading", name=heading).is_visible():
            return True
        page.get_by_role("link", name="Reload").click()
        return False

    wait_until(is_shown, every=0.2, message=heading)


def test_a_report_is_ordered_watched_looked_at_and_downloaded(
    fault: Fault, visit: Callable[..., Page], tmp_path: Path
) -> None:
    list(seed_sales(lines=1000, using="default"))
    page = visit(fault.owner, java_script_enabled=False)
    page.goto("/reports/new?type=customers")
    page.get_by_role("button", name="Order", exact=True).click()
    reload_until(page, "First rows")
    expect(page.locator(".headline .badge")).to_have_text("Complete")
    page.get_by_role("link", name="Show the first rows").click()
    codes = sorted(Customer.objects.values_list("code", flat=True))
    expect(page.locator("#result tbody tr").first).to_contain_text(codes[0])
    page.go_back()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "customers.csv")
    with (tmp_path / "customers.csv").open(newline="") as file:
        assert sorted(row["code"] for row in csv.DictReader(file)) == codes


def test_a_file_is_checked_confirmed_mended_and_done(fault: Fault, visit: Callable[..., Page]) -> None:
    Tenant.objects.create(code=fault.owner.get_username())
    page = visit(fault.owner, java_script_enabled=False)
    page.goto("/uploads/new?type=items")
    page.set_input_files("#file", {"name": "rows.csv", "mimeType": "text/csv", "buffer": ROWS})
    page.get_by_role("button", name="Check first").click()
    reload_until(page, "1 row has errors")
    assert not Item.objects.exists()
    page.get_by_role("button", name="Write the 1 good row").click()
    reload_until(page, "1 row was rejected")
    page.get_by_role("link", name="Mend the rejected row").click()
    page.get_by_label("Price, line 3").fill("0.20")
    page.get_by_role("button", name="Upload the mended rows").click()
    reload_until(page, "The file is in")
    expect(page.locator("dl.facts")).to_contain_text("Of all rows of the first file, 2 of 2 are in.")
    assert [(item.code, str(item.price)) for item in Item.objects.order_by("code")] == [
        ("A-1", "1.50"),
        ("A-2", "0.20"),
    ]
    assert Attempt.objects.count() == 3
