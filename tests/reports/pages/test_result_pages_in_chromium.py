"""The result of a report in a real browser: sorting, the chart, the keyboard, and no script at all."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.accessible_pages import make_complete_report
from tests.support.axe import DESK_DARK, PHONE_LIGHT, carry_session, findings_here, set_look
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def report(owner: User) -> Job:
    return make_complete_report(owner)


@pytest.fixture
def page_without_scripts(browser: Browser, live_url: str, signed_in: Client) -> Iterator[Page]:
    context = browser.new_context(base_url=live_url, java_script_enabled=False)
    page = context.new_page()
    carry_session(page, signed_in, live_url)
    yield page
    context.close()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"[data-sortable] tbody td:nth-child({number})").all_inner_texts()


def drawn(page: Page) -> str:
    """The picture of the chart."""
    picture: str = page.locator("#chart-canvas canvas").evaluate("canvas => canvas.toDataURL()")
    return picture


def test_a_click_on_a_heading_sorts_and_another_one_turns_the_order(ada_page: Page, report: Job) -> None:
    ada_page.goto(f"/reports/{report.pk}")
    heading = ada_page.get_by_role("columnheader", name="Revenue (USD)").last
    expect(heading).not_to_have_attribute("aria-sort", "ascending")
    assert column(ada_page, 3)[:4] == ["2.50", "2.50", "4.50", "4.50"]
    ada_page.locator("#sort-3").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert column(ada_page, 3) == sorted(column(ada_page, 3), key=float)
    ada_page.locator("#sort-3").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert column(ada_page, 3) == sorted(column(ada_page, 3), key=float, reverse=True)
    ada_page.locator("#sort-2").click()
    expect(heading).not_to_have_attribute("aria-sort", "descending")
    assert column(ada_page, 2) == ["Books"] * 12 + ["Toys"] * 12
    assert ada_page.url.endswith(str(report.pk)), "no page was requested"


def test_a_heading_sorts_by_keyboard_and_keeps_the_focus(ada_page: Page, report: Job) -> None:
    ada_page.goto(f"/reports/{report.pk}")
    ada_page.locator("#sort-1").focus()
    for direction in ("ascending", "descending"):
        ada_page.keyboard.press("Enter")
        expect(ada_page.locator("[data-sortable] th").first).to_have_attribute("aria-sort", direction)
        expect(ada_page.locator("#sort-1")).to_be_focused()
    assert column(ada_page, 1)[0] == "2023-12"


def test_the_chart_is_drawn_with_a_legend_that_hides_lines(ada_page: Page, report: Job, complaints: list[str]) -> None:
    ada_page.goto(f"/reports/{report.pk}")
    chart = ada_page.get_by_role("img", name="Chart: Revenue by month (USD).")
    expect(chart.locator("canvas")).to_be_visible()
    button = ada_page.get_by_role("button", name="Toys")
    expect(button).to_have_attribute("aria-pressed", "true")
    before = drawn(ada_page)
    button.focus()
    ada_page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    wait_until(lambda: drawn(ada_page) != before)
    ada_page.hover("#chart-canvas", position={"x": 200, "y": 100})
    expect(ada_page.locator("#chart-legend li").last).to_contain_text("2023-")
    ada_page.locator("#chart-values-summary").click()
    expect(ada_page.get_by_role("rowheader", name="2023-01")).to_be_visible()
    assert complaints == []


def test_the_chart_follows_the_width_and_the_scheme(ada_page: Page, report: Job) -> None:
    set_look(ada_page, DESK_DARK)
    ada_page.goto(f"/reports/{report.pk}")
    canvas = ada_page.locator("#chart-canvas canvas")
    expect(canvas).to_be_visible()
    dark = drawn(ada_page)
    assert findings_here(ada_page) == []
    ada_page.emulate_media(color_scheme="light")
    wait_until(lambda: drawn(ada_page) != dark)
    set_look(ada_page, PHONE_LIGHT)
    wait_until(lambda: canvas.evaluate("canvas => canvas.clientWidth") < 390)
    assert ada_page.evaluate("document.documentElement.scrollWidth") == 390
    assert findings_here(ada_page) == []


def test_the_result_appears_when_the_report_is_finished(ada_page: Page, report: Job) -> None:
    Job.objects.filter(pk=report.pk).update(state=State.RUNNING)
    ada_page.goto(f"/reports/{report.pk}")
    expect(ada_page.get_by_role("progressbar")).to_be_visible()
    Job.objects.filter(pk=report.pk).update(state=State.SUCCEEDED)
    expect(ada_page.locator("#chart-canvas canvas")).to_be_visible()
    expect(ada_page.get_by_role("heading", name="The first 24 rows")).to_be_visible()
    ada_page.locator("#checksum-summary").click()
    expect(ada_page.get_by_role("button", name="Copy the SHA-256")).to_be_visible()


def test_without_scripts_everything_is_reached_by_links(page_without_scripts: Page, report: Job) -> None:
    page = page_without_scripts
    page.goto(f"/reports/{report.pk}")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="Show the first rows").click()
    expect(page.get_by_role("heading", name="The first 24 rows")).to_be_visible()
    page.locator("#sort-3").click()
    page.locator("#sort-3").click()
    expect(page.get_by_role("columnheader", name="Revenue (USD)").last).to_have_attribute("aria-sort", "descending")
    assert column(page, 3)[0] == "4.50"
    page.get_by_text("The numbers of the chart").first.click()
    expect(page.get_by_role("rowheader", name="2023-12")).to_be_visible()


def test_the_id_of_a_failed_report_is_copied(
    ada_page: Page, live_url: str, make_job: Callable[..., Job], publish: Callable[..., Artifact]
) -> None:
    ada_page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_url)
    job = make_job(State.DEAD, result={"error": {"code": "x", "detail": "So it is.", "retryable": False}})
    ada_page.goto(f"/reports/{job.pk}")
    ada_page.get_by_role("button", name="Copy the ID").first.click()
    expect(ada_page.get_by_text("Copied.").first).to_be_visible()
    assert ada_page.evaluate("navigator.clipboard.readText()") == str(job.pk)


def test_the_first_visit_is_light_and_the_next_one_lighter(ada_page: Page, report: Job) -> None:
    sizes: list[int] = []
    session = ada_page.context.new_cdp_session(ada_page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    ada_page.goto(f"/reports/{report.pk}")
    expect(ada_page.locator("#chart-canvas canvas")).to_be_visible()
    first = sum(sizes)
    sizes.clear()
    ada_page.goto(f"/reports/{report.pk}")
    expect(ada_page.locator("#chart-canvas canvas")).to_be_visible()
    assert sum(sizes) < 15_000, (first, sum(sizes))
