"""The pages as people use them, in a real Chromium, with real workers where a report has to be made."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.utils import timezone
from playwright.sync_api import Page, expect

from examples.sales.seeding import seed_sales
from jobs.models import Artifact, Job, Queue
from jobs.states import State
from tests.support.stack import Stack
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db(transaction=True)

#: Violates nothing: Chromium notes each answer above 399.
REFUSED = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
NOT_FOUND = "Failed to load resource: the server responded with a status of 404 (Not Found)"


def test_sign_in_order_wait_download_and_sign_out(
    stack: Stack, owner: User, live_url: str, page: Page, complaints: list[str], tmp_path: Path
) -> None:
    list(seed_sales(lines=1000, using="default"))
    owner.set_password("a-good-password")
    owner.save()
    page.goto("/")
    expect(page).to_have_url(f"{live_url}/sign-in?next=/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("a-good-password")
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_title("Home – Longhaul")
    expect(page.get_by_role("heading", name="Welcome to Longhaul")).to_be_visible()
    page.get_by_role("link", name="Order a report").click()
    page.get_by_role("link", name="Yearly sales").click()
    page.get_by_role("spinbutton", name="Year").fill("2023")
    page.get_by_role("button", name="Order").click()

    expect(page.get_by_role("heading", name="Yearly sales")).to_be_visible()
    expect(page.locator(".badge")).to_have_text("Complete", timeout=15_000)
    expect(page).to_have_title("Yearly sales: Complete – Longhaul")
    job = Job.objects.with_result().get()
    expect(page).to_have_url(f"{live_url}/reports/{job.pk}")
    assert job.payload["parameters"] == {"year": 2023}
    artifact = job.result_artifact
    assert artifact is not None
    expect(page.locator("#sha256")).to_have_text(artifact.sha256)
    expect(page.get_by_role("heading", name="The first 1")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"yearly-sales-2023-{timezone.localdate()}.csv"
    download.value.save_as(tmp_path / "report.csv")
    content = (tmp_path / "report.csv").read_bytes()
    with storages["artifacts"].open(artifact.storage_name) as file:
        assert content == file.read()
    assert hashlib.sha256(content).hexdigest() == artifact.sha256
    assert content.startswith(b"Month,Category,Orders,")

    page.get_by_role("banner").get_by_text("ada").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in – Longhaul")
    page.goto(f"/reports/{job.pk}")
    expect(page).to_have_url(f"{live_url}/sign-in?next=/reports/{job.pk}")


def test_a_mistake_is_shown_at_its_field_and_nothing_is_lost(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/reports/new?type=order-lines")
    ada_page.get_by_label("From", exact=True).fill("2024-02-01")
    ada_page.get_by_label("To", exact=True).fill("2024-01-31")
    ada_page.get_by_role("radio", name="Custom").check()
    ada_page.get_by_label("Encoding", exact=True).select_option(label="UTF-8 with BOM (Excel)")
    ada_page.get_by_label("Safe for spreadsheets").uncheck()
    ada_page.get_by_role("button", name="Order").click()

    message = "The last day must not be before the first day."
    summary = ada_page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("listitem")).to_have_text([f"To: {message}"])
    expect(ada_page).to_have_title("Error: Order lines – Longhaul")
    to = ada_page.get_by_label("To", exact=True)
    expect(to).to_have_accessible_description(f"{message} Last day, YYYY-MM-DD, inclusive. Default: the last order.")
    expect(to).to_have_attribute("aria-invalid", "true")
    expect(to).to_have_value("2024-01-31")
    expect(ada_page.get_by_label("From", exact=True)).to_have_value("2024-02-01")
    expect(ada_page.get_by_label("Encoding", exact=True)).to_have_value("utf-8-sig")
    expect(ada_page.get_by_label("Safe for spreadsheets")).not_to_be_checked()
    summary.get_by_role("link").click()
    expect(to).to_be_focused()
    assert not Job.objects.exists()
    assert complaints == [REFUSED]
    complaints.clear()


def test_a_double_click_orders_once(ada_page: Page) -> None:
    Queue.objects.filter(name="reports").update(paused=True)  # no worker of an earlier test shall take it
    ada_page.goto("/reports/new?type=customers")
    ada_page.get_by_role("button", name="Order").dblclick()
    expect(ada_page).to_have_title("Customers: Queued – Longhaul")
    assert Job.objects.count() == 1


def test_progress_is_shown_until_the_report_has_ended(
    ada_page: Page, make_job: Callable[..., Job], publish: Callable[..., Artifact]
) -> None:
    now = timezone.now()
    job = make_job(
        State.RUNNING,
        attempt_count=2,
        started_at=now - timedelta(seconds=100),
        updated_at=now,
        progress_done=400,
        progress_total=1000,
        progress_percent=40,
    )
    ada_page.goto(f"/reports/{job.pk}")
    bar = ada_page.get_by_role("progressbar", name="Progress of Yearly sales")
    expect(bar).to_have_js_property("value", 40)
    expect(ada_page.locator(".progress")).to_have_text("40 %, about 2 minutes left")
    expect(ada_page.locator(".figures")).to_contain_text("400 of about 1,000")
    expect(ada_page.locator(".figures")).to_contain_text("2 of 5")

    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED, finished_at=now)
    publish(job)
    expect(ada_page.locator("[data-announcement]")).to_have_text("Yearly sales: Complete")
    expect(ada_page.get_by_role("link", name="Download")).to_be_visible()
    expect(bar).to_have_count(0)
    expect(ada_page.locator("[data-follow]")).to_have_count(0)
    ada_page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the user looks at the tab
    expect(ada_page).to_have_title("Yearly sales: Complete – Longhaul")


def test_a_preview_is_shown_below_the_form_and_ordered_from_there(ada_page: Page) -> None:
    list(seed_sales(lines=100, using="default"))
    ada_page.goto("/reports/new?type=customers")
    ada_page.select_option("[name='parameters.country']", "JP")
    ada_page.click("#preview")
    assert "as they will appear in the file" in ada_page.inner_text(".preview")
    assert ada_page.input_value("[name='parameters.country']") == "JP"
    ada_page.click("main form button:not(.quiet)")
    ada_page.wait_for_url("**/reports/*-*")
    assert Job.objects.get().payload["parameters"] == {"country": "JP"}


def test_a_session_that_ends_while_a_page_is_open_leads_to_the_sign_in(
    ada_page: Page, live_url: str, make_job: Callable[..., Job]
) -> None:
    job = make_job()
    ada_page.goto(f"/reports/{job.pk}")
    ada_page.context.clear_cookies()
    expect(ada_page).to_have_url(f"{live_url}/sign-in?next=/reports/{job.pk}")


def test_every_page_fits_a_phone_and_keeps_to_the_policy(
    ada_page: Page, complaints: list[str], owner: User, make_job: Callable[..., Job], publish: Callable[..., Artifact]
) -> None:
    owner.is_staff = owner.is_superuser = True
    owner.save()
    done = make_job(State.SUCCEEDED)
    publish(done, filename="a-very-long-name-without-any-space-that-does-not-fit-in-one-line-2023.csv")
    dead = make_job(State.DEAD, error_message="x" * 200, result={"error": {"detail": "x" * 200}})
    ours = [
        "/",
        "/reports",
        "/search?q=yearly",
        f"/reports/selected?action=delete&job={done.pk}",
        "/reports/new",
        "/reports/new?type=order-lines",
        f"/reports/new?like={done.pk}",
    ]
    ours += [f"/reports/{done.pk}", f"/reports/{dead.pk}", f"/reports/{make_job().pk}", "/tokens", "/nowhere"]
    bearer_of(owner, "reports:read", "tokens:manage")
    ada_page.set_viewport_size({"width": 360, "height": 640})
    for path in ours:
        ada_page.goto(path)
        width = ada_page.evaluate("document.documentElement.scrollWidth")
        assert (path, width) == (path, 360)
    assert complaints == [NOT_FOUND]
    complaints.clear()


def test_the_admin_and_the_api_docs_keep_to_the_policy(
    ada_page: Page, owner: User, make_job: Callable[..., Job]
) -> None:
    owner.is_staff = owner.is_superuser = True
    owner.save()
    job = make_job()
    for path in (
        "/admin/",
        "/admin/jobs/job/",
        f"/admin/jobs/job/{job.pk}/change/",
        "/admin/jobs/queue/reports/change/",
    ):
        ada_page.goto(path)
        expect(ada_page.locator("#header-inner")).to_be_visible()
    ada_page.goto("/api/docs")
    ada_page.get_by_role("button", name="GET /api/report-types", exact=True).click()
    ada_page.get_by_role("button", name="Try it out").click()
    ada_page.get_by_role("button", name="Execute").click()
    expect(ada_page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")


def test_a_new_token_is_copied_by_a_button(ada_page: Page, live_url: str) -> None:
    ada_page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_url)
    ada_page.goto("/tokens")
    ada_page.get_by_label("Name").fill("nightly")
    ada_page.get_by_label("See and download reports").check()
    ada_page.get_by_role("button", name="Create token").click()
    text = ada_page.locator("#token-text").inner_text()
    ada_page.get_by_role("button", name="Copy token").click(timeout=2000)
    expect(ada_page.get_by_text("Copied.")).to_be_visible()
    assert ada_page.evaluate("navigator.clipboard.readText()") == text
