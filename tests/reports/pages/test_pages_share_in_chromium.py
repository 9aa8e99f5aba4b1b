"""A report is shared, downloaded by somebody without an account, and no longer shared, in a real Chromium."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jobs.models import Artifact, Job, ShareLink
from jobs.sharing.signature import token_of
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"Month,Sales\r\n2023-01,7\r\n"


@pytest.fixture
def done(make_job: Callable[..., Job], publish: Callable[..., Artifact]) -> Job:
    job = make_job(State.SUCCEEDED, finished_at=timezone.now())
    name = storages["artifacts"].save("shared-test", ContentFile(CONTENT))
    publish(job, storage_name=name, size_bytes=len(CONTENT), expires_at=timezone.now() + timedelta(days=3))
    return job


@pytest.fixture
def visitor(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """A browser without a session."""
    context = browser.new_context(**browser_context_args)
    yield context
    context.close()


def test_a_link_is_created_copied_used_and_revoked(
    ada_page: Page, done: Job, live_url: str, visitor: BrowserContext, tmp_path: Path
) -> None:
    ada_page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_url)
    ada_page.goto(f"/reports/{done.pk}")
    panel = ada_page.get_by_role("region", name="Share the file")
    expect(panel.get_by_label("How long a new link works").locator("option")).to_have_text(
        ["1 day", "until the file expires"]
    )
    panel.get_by_label("How long a new link works").select_option("1 day")
    panel.get_by_role("button", name="Create link").click()

    link = ShareLink.objects.get()
    url = f"{live_url}/shared/{token_of(link)}"
    expect(panel.get_by_label("Link to the file")).to_have_value(url)
    expect(panel.get_by_label("Link to the file")).not_to_be_editable()
    panel.get_by_role("button", name="Copy link").click(timeout=2000)
    expect(panel.get_by_text("Copied.")).to_be_visible()
    assert ada_page.evaluate("navigator.clipboard.readText()") == url

    page = visitor.new_page()
    page.goto(url)
    expect(page).to_have_title("Yearly sales – Longhaul")
    expect(page.get_by_role("navigation")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "shared.csv")
    assert (tmp_path / "shared.csv").read_bytes() == CONTENT
    assert download.value.suggested_filename == "yearly-sales-2023.csv"
    assert [(cookie["name"], cookie["value"]) for cookie in visitor.cookies()] == [("timezone", "UTC")]

    ada_page.reload()
    link.refresh_from_db()
    assert link.use_count == 1
    expect(panel.get_by_role("row").nth(1).get_by_role("cell").nth(1)).to_have_text("1")
    panel.get_by_role("button", name="Revoke").click()
    expect(panel.get_by_role("row")).to_have_count(0)
    page.reload()
    expect(page).to_have_title("This link does not work – Longhaul")


def test_the_panel_works_without_javascript(
    ada_page: Page, done: Job, live_url: str, browser: Browser, browser_context_args: dict[str, Any]
) -> None:
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies(ada_page.context.cookies())  # type: ignore[arg-type]  # the two types of a cookie differ
    page = context.new_page()
    page.goto(f"/reports/{done.pk}")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_label("Link to the file")).to_have_value(
        f"{live_url}/shared/{token_of(ShareLink.objects.get())}"
    )
    expect(page.get_by_role("button", name="Copy link")).to_have_count(0)
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    context.close()


def test_the_panel_and_the_shared_page_fit_a_phone(ada_page: Page, complaints: list[str], done: Job) -> None:
    ada_page.set_viewport_size({"width": 360, "height": 640})
    ada_page.goto(f"/reports/{done.pk}")
    ada_page.get_by_role("button", name="Create link").click()
    expect(ada_page.get_by_label("Link to the file")).to_be_visible()
    widths = [ada_page.evaluate("document.documentElement.scrollWidth")]
    ada_page.goto(f"/shared/{token_of(ShareLink.objects.get())}")
    widths.append(ada_page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [360, 360]
    assert complaints == []
