"""The main paths through the pages in Debian's Firefox, with real workers where a job has to be run."""

import csv
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from examples.sales.models import Customer, Order
from examples.sales.seeding import seed_sales
from jobs.models import Artifact, Job, Queue
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.schedule_form import create_schedule
from tests.support.stack import Stack
from tests.support.upload_form import CHUNK_BYTES, FORM, HEADINGS, ROW, arrived, choose
from tests.support.uploads import file_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]

#: Two requests, of which the second one is short.
LARGE = HEADINGS + ROW * 500_000
#: The left edge of an element; the space that the scrollbars of one take, upright and level.
RIGHT = "selector => document.querySelector(selector).getBoundingClientRect().right"
BARS = """selector => {
    const one = document.querySelector(selector);
    return [one.offsetWidth - one.clientWidth, one.offsetHeight - one.clientHeight];
}"""


@pytest.fixture
def uploader(ada_in_firefox: Page, owner: User) -> Page:
    """A page whose user may upload items."""
    Tenant.objects.create(code=owner.get_username())
    return ada_in_firefox


def test_sign_in_order_by_typing_wait_and_download(
    stack: Stack, page_in_firefox: Page, live_url: str, tmp_path: Path
) -> None:
    page = page_in_firefox
    list(seed_sales(lines=2000, using="default"))
    User.objects.create_user("faults", password="a-good-password")
    customer = Customer.objects.all()[7]
    page.goto("/")
    page.get_by_label("Username").fill("faults")
    page.get_by_label("Password").fill("a-good-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Home – Longhaul")
    page.get_by_role("link", name="Order a report").click()
    page.get_by_role("link", name="Orders of a customer").click()
    page.get_by_role("combobox", name="Customer").press_sequentially(customer.code)
    page.get_by_role("option", name=str(customer)).click()
    page.get_by_role("button", name="Order", exact=True).click()

    expect(page.locator(".badge")).to_have_text("Complete", timeout=15_000)
    job = Job.objects.with_result().get()
    expect(page).to_have_url(f"{live_url}/reports/{job.pk}")
    assert job.payload["parameters"] == {"customer": customer.pk}
    artifact = job.result_artifact
    assert artifact is not None
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == artifact.filename
    download.value.save_as(tmp_path / "report.csv")
    assert hashlib.sha256((tmp_path / "report.csv").read_bytes()).hexdigest() == artifact.sha256
    with (tmp_path / "report.csv").open(newline="") as file:
        heading, *rows = csv.reader(file)
    orders = Order.objects.filter(customer=customer).values_list("pk", flat=True)
    assert (heading, sorted(int(number) for [number] in rows)) == (["id"], sorted(orders))
    assert rows

    page.get_by_role("banner").get_by_text("faults").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in – Longhaul")


def test_the_list_follows_its_reports_and_one_is_canceled(ada_in_firefox: Page, make_job: MakeJob) -> None:
    page = ada_in_firefox
    Queue.objects.update(paused=True)
    waiting = make_job(of="customers", parameters={})
    running = make_job(State.RUNNING, progress_done=4, progress_total=10, progress_percent=40)
    page.goto("/reports")
    expect(page).to_have_title("40 % Yearly sales – Longhaul")
    Job.objects.filter(pk=running.pk).update(progress_percent=77)
    expect(page).to_have_title("77 % Yearly sales – Longhaul")
    page.locator(f"#select-{waiting.pk}").check()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel this report").click()
    expect(page.get_by_text("1 report was canceled.")).to_be_visible()
    expect(page.locator(".job .badge")).to_have_text(["In progress", "Canceled"])
    waiting.refresh_from_db()
    assert waiting.state == State.CANCELLED


def test_a_file_is_recognized_checked_and_written_and_its_rejected_row_is_mended(
    stack: Stack, uploader: Page, tmp_path: Path
) -> None:
    page = uploader
    (tmp_path / "rows.csv").write_text("Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n")
    page.goto(FORM)
    choose(page, tmp_path / "rows.csv")
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_role("heading", name="1 row has errors")).to_be_visible(timeout=15_000)
    assert not Item.objects.exists()
    page.get_by_role("button", name="Write the 1 good row").click()
    page.get_by_role("link", name="Mend the rejected row").click(timeout=15_000)
    page.get_by_label("Price, line 3").fill("0.20")
    page.get_by_role("button", name="Upload the mended rows").click()
    expect(page.get_by_role("heading", name="The file is in")).to_be_visible(timeout=15_000)
    expect(page.locator("dl.facts")).to_contain_text("1 of 1 rejected rows are now in.")
    items = Item.objects.order_by("code").values_list("code", "name", "price")
    assert [(code, name, str(price)) for code, name, price in items] == [
        ("A-1", "Bolt", "1.50"),
        ("A-2", "Nut", "0.20"),
    ]


def test_a_large_upload_is_paused_and_goes_on(uploader: Page, tmp_path: Path) -> None:
    page = uploader
    Queue.objects.update(paused=True)
    (tmp_path / "large.csv").write_bytes(LARGE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.headers.get("upload-offset") == str(CHUNK_BYTES):
            held.append(route)  # it stays under way
        else:
            route.continue_()

    page.route(re.compile("/api/uploads/resumable/"), hold)
    page.goto(FORM)
    choose(page, tmp_path / "large.csv")
    page.get_by_role("button", name="Check first").click()
    wait_until(lambda: page.title() and held)  # Playwright hears of requests only while it waits for the page
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-part=state]")).to_have_text("The upload is paused.")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    assert ResumableUpload.objects.get().offset_bytes == CHUNK_BYTES
    page.unroute_all()
    page.get_by_role("button", name="Go on").click()
    assert file_of(arrived(page), Artifact.Role.SOURCE) == LARGE


def test_a_schedule_is_created(ada_in_firefox: Page, live_url: str) -> None:
    page = ada_in_firefox
    page.goto("/schedules")
    schedule = create_schedule(page)
    expect(page).to_have_url(f"{live_url}/schedules/{schedule.pk}")
    expect(page.locator("dl")).to_contain_text("Every Thursday at 06:45")
    assert schedule.order["relative"] == {"year": "last-year"}


def test_the_pages_are_in_japanese_once_that_is_chosen(ada_in_firefox: Page) -> None:
    page = ada_in_firefox
    page.goto("/preferences")
    page.get_by_label("日本語").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("設定")
    page.goto("/reports")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("heading", level=1)).to_have_text("レポート")


def test_without_scripts_a_report_is_ordered_and_canceled(page_without_scripts: Page) -> None:
    page = page_without_scripts
    Queue.objects.update(paused=True)
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Order a report").press("Enter")
    page.get_by_role("link", name="Yearly sales").press("Enter")
    page.get_by_role("spinbutton", name="Year").press_sequentially("2023")
    page.get_by_role("button", name="Order", exact=True).press("Enter")
    assert page.locator(".badge").first.inner_text() == "Queued"
    page.get_by_role("button", name="Cancel the report").press("Enter")
    wait_until(lambda: page.locator(".badge").first.inner_text() == "Canceled")
    assert Job.objects.get().state == State.CANCELLED
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", background)) < 64, background


def test_a_link_in_the_summary_of_mistakes_leads_into_a_date(ada_in_firefox: Page) -> None:
    page = ada_in_firefox
    page.goto("/reports/new?type=order-lines")
    page.get_by_label("From", exact=True).fill("2024-02-01")
    page.get_by_label("To", exact=True).fill("2024-01-31")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    assert not Job.objects.exists()


def test_results_of_a_search_stand_one_below_the_other(ada_in_firefox: Page, make_job: MakeJob) -> None:
    page = ada_in_firefox
    older, newer = make_job(State.CANCELLED), make_job(State.CANCELLED)
    page.goto("/search?q=yearly")
    boxes = [page.locator(f"#job-{job.pk}").bounding_box() for job in (newer, older)]
    upper, lower = (box or pytest.fail("it is not shown") for box in boxes)
    assert lower["y"] >= upper["y"] + upper["height"]


def test_a_narrow_window_has_no_scrollbars_in_its_navigation(ada_in_firefox: Page) -> None:
    page = ada_in_firefox
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/reports")
    assert page.evaluate(BARS, ".top nav") == [0, 0]


def test_a_narrow_window_has_the_button_for_notifications_at_the_edge(ada_in_firefox: Page, make_job: MakeJob) -> None:
    page = ada_in_firefox
    make_job(State.RUNNING, progress_percent=40)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/reports")
    assert page.evaluate(RIGHT, "#notify") == pytest.approx(page.evaluate(RIGHT, ".list-bar"), abs=0.1)  # px
