"""The script of parts that refresh themselves, in Chromium."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from jobs.models import Artifact, Job, Queue
from jobs.states import State
from tests.support.page_faults import asleep
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
Publish = Callable[..., Artifact]

#: Timers run a hundred times as fast, and the delays that the script asks for are noted. 10 s is its patience.
FAST_TIMERS = """
    window.delays = [];
    const setRealTimeout = window.setTimeout;
    window.setTimeout = (run, delay, ...rest) => {
        if (delay === 10000) return setRealTimeout(run, delay, ...rest);
        if (delay >= 2000) delays.push(Math.round(delay));
        return setRealTimeout(run, delay / 100, ...rest);
    };
"""
#: Notes notifications: Chromium without a screen has nowhere to show them.
NOTIFICATIONS = """
    window.shown = [];
    window.Notification = class extends EventTarget {
        static permission = sessionStorage.permission ?? "default";
        static async requestPermission() { return (Notification.permission = sessionStorage.permission = "granted"); }
        constructor(text) { super(); shown.push(text); }
    };
"""
#: As if another tab were in front; Chromium without a screen never hides one.
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    """A report at 42 %, which no worker runs."""
    return make_job(
        State.RUNNING, attempt_count=1, started_at=timezone.now(), updated_at=timezone.now(), progress_done=420,
        progress_total=1000, progress_percent=42,
    )  # fmt: skip


def becomes_true(page: Page, expression: str) -> None:
    """Wait. Playwright's own way evaluates a string in the page, which our policy forbids."""
    wait_until(lambda: page.evaluate(expression), message=expression)


def end(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished_at=timezone.now())


def test_the_list_follows_its_reports_and_the_title_tells_how_far_they_are(
    ada_page: Page, job: Job, make_job: MakeJob
) -> None:
    make_job(State.CANCELLED, of="order-lines", parameters={})
    ada_page.goto("/reports")
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled", "In progress"])
    expect(ada_page).to_have_title("42 % Yearly sales – Longhaul")
    Job.objects.filter(pk=job.pk).update(progress_percent=77)
    expect(ada_page).to_have_title("77 % Yearly sales – Longhaul")
    end(job)
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled", "Canceled"], timeout=10_000)
    expect(ada_page.locator("[data-announcement]")).to_have_text("Yearly sales: Canceled")
    expect(ada_page).to_have_title("Yearly sales: Canceled – Longhaul")
    expect(ada_page.locator("[data-follow]")).to_have_count(0)


def test_the_start_page_moves_a_report_from_running_to_ready(ada_page: Page, job: Job, publish: Publish) -> None:
    ada_page.goto("/")
    expect(ada_page.locator("section", has_text="Running and waiting").locator(".job")).to_have_count(1)
    publish(job)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED, finished_at=timezone.now())
    expect(ada_page.get_by_role("link", name="Download yearly-sales-2023.csv")).to_be_visible(timeout=10_000)
    expect(ada_page.get_by_text("Nothing is running at the moment.")).to_be_visible()


def test_nothing_that_the_user_does_is_disturbed(ada_page: Page, job: Job, make_job: MakeJob) -> None:
    other = make_job(State.RUNNING, progress_percent=1, progress_total=9, updated_at=timezone.now())
    ada_page.goto("/reports")
    ada_page.locator(f"#select-{other.pk}").check()
    ada_page.locator(f"#actions-{job.pk}").press("Enter")
    ada_page.keyboard.press("Tab")
    ada_page.keyboard.press("Tab")
    expect(ada_page.locator(f"#again-{job.pk}")).to_be_focused()
    ada_page.evaluate("window.before = document.activeElement")
    end(job)
    expect(ada_page.locator(".job .badge")).to_have_text(["In progress", "Canceled"], timeout=10_000)
    assert ada_page.evaluate("document.activeElement === window.before")
    expect(ada_page.locator(f"#select-{other.pk}")).to_be_checked()
    expect(ada_page.locator(f"#cancel-{job.pk}")).to_be_visible()  # the open menu is as it was
    ada_page.keyboard.press("Escape")
    ada_page.locator(f"#actions-{job.pk}").press("Enter")
    expect(ada_page.locator(f"#delete-{job.pk}")).to_be_visible()
    expect(ada_page.locator(f"#cancel-{job.pk}")).to_have_count(0)


def test_a_menu_that_closes_and_opens_at_once_has_its_new_items(ada_page: Page, job: Job) -> None:
    ada_page.goto("/reports")
    ada_page.locator(f"#actions-{job.pk}").press("Enter")
    expect(ada_page.locator(f"#cancel-{job.pk}")).to_be_visible()
    end(job)
    expect(ada_page.locator(".job .badge")).to_have_text("Canceled", timeout=10_000)
    ada_page.locator(f"#actions-{job.pk}").evaluate("button => { button.click(); button.click(); }")
    expect(ada_page.locator(f"#delete-{job.pk}")).to_be_visible()
    expect(ada_page.locator(f"#cancel-{job.pk}")).to_have_count(0)


def test_selected_text_stays_as_it_is_until_it_is_no_longer_selected(ada_page: Page, job: Job) -> None:
    ada_page.add_init_script(FAST_TIMERS)
    ada_page.goto("/reports")
    ada_page.locator(".parameters").select_text()
    Job.objects.update(progress_percent=50)
    becomes_true(ada_page, "delays.filter(delay => delay === 15000).length > 5")
    assert ada_page.evaluate("document.getSelection().toString()").strip() == "Year 2023"
    expect(ada_page.locator(".progress .note")).to_contain_text("42 %")
    ada_page.evaluate("document.getSelection().removeAllRanges()")
    expect(ada_page.locator(".progress .note")).to_contain_text("50 %")


def test_requests_become_rarer_while_nothing_changes(ada_page: Page, job: Job) -> None:
    ada_page.add_init_script(FAST_TIMERS)
    ada_page.goto("/reports")
    becomes_true(ada_page, "delays.length > 6")
    assert ada_page.evaluate("delays.slice(0, 7)") == [2000, 3000, 4500, 6750, 10125, 15000, 15000]
    Job.objects.update(progress_percent=50)
    becomes_true(ada_page, "delays.lastIndexOf(2000) > 0")
    becomes_true(ada_page, "delays.at(-1) === 15000")
    before = ada_page.evaluate("delays.length")
    ada_page.evaluate("window.dispatchEvent(new Event('focus'))")
    becomes_true(ada_page, f"delays.slice({before}).includes(3000)")


def test_a_hidden_tab_asks_for_nothing_and_goes_on_when_it_is_shown(ada_page: Page, job: Job) -> None:
    ada_page.add_init_script(FAST_TIMERS)
    ada_page.goto("/reports")
    becomes_true(ada_page, "delays.length > 2")
    ada_page.evaluate(HIDE, True)
    ada_page.evaluate("fetch('/tokens').then(answer => answer.text())")  # what was under way before has ended
    end(job)
    known = ada_page.evaluate("delays.length")
    for _ in range(3):
        ada_page.evaluate("fetch('/tokens').then(answer => answer.text())")
    expect(ada_page.locator(".job .badge")).to_have_text(["In progress"])
    assert ada_page.evaluate("delays.length") == known
    ada_page.evaluate(HIDE, False)
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled"])
    assert ada_page.evaluate("delays.length") == known, "nothing is active any more"


def test_the_end_of_a_report_in_a_hidden_tab_is_a_notification_if_the_user_wants_it(ada_page: Page, job: Job) -> None:
    ada_page.add_init_script(FAST_TIMERS + NOTIFICATIONS)
    ada_page.goto("/reports")
    button = ada_page.get_by_role("button", name="Notify me")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    ada_page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    ada_page.evaluate(HIDE, True)
    end(job)
    becomes_true(ada_page, "shown.length > 0")
    assert ada_page.evaluate("shown") == ["Yearly sales: Canceled"]
    expect(ada_page).to_have_title("Yearly sales: Canceled – Longhaul")
    ada_page.evaluate(HIDE, False)
    expect(ada_page).to_have_title("Reports – Longhaul")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_laptop_that_slept_shows_what_has_happened(ada_page: Page, job: Job) -> None:
    ada_page.goto("/reports")
    with asleep(ada_page):
        end(job)
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled"])


def test_a_lost_connection_is_told_and_the_page_goes_on_by_itself(
    ada_page: Page, job: Job, complaints: list[str]
) -> None:
    ada_page.add_init_script(FAST_TIMERS)
    ada_page.goto("/reports")
    told = ada_page.locator("[data-connection]")
    ada_page.context.set_offline(True)
    expect(told).to_have_text("Connection lost. Trying again…")
    end(job)
    ada_page.context.set_offline(False)
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled"])
    expect(told).to_have_text("")
    assert {"ERR_INTERNET_DISCONNECTED" in complaint for complaint in complaints} == {True}
    complaints.clear()


def test_the_page_survives_a_restart_of_the_web_server(
    all_services: Stack, ada_page: Page, job: Job, complaints: list[str]
) -> None:
    ada_page.add_init_script(FAST_TIMERS)
    ada_page.goto("/reports")
    ada_page.evaluate("navigator.serviceWorker.ready.then(() => true)")  # its script is fetched by then
    all_services.kill("web")
    expect(ada_page.locator("[data-connection]")).to_have_text("Connection lost. Trying again…")
    end(job)
    all_services.ensure_web()
    expect(ada_page.locator(".job .badge")).to_have_text(["Canceled"], timeout=20_000)
    expect(ada_page.locator("[data-connection]")).to_have_text("")
    assert {complaint.startswith("Failed to load resource: net::ERR_") for complaint in complaints} == {True}
    complaints.clear()


def test_the_end_of_the_session_leads_to_the_sign_in(ada_page: Page, live_url: str, job: Job) -> None:
    ada_page.goto("/reports?status=In+Progress")
    ada_page.context.clear_cookies()
    expect(ada_page).to_have_url(f"{live_url}/sign-in?next=/reports%3Fstatus%3DIn%2BProgress", timeout=10_000)


def test_several_reports_are_canceled_with_the_keyboard_alone(ada_page: Page, make_job: MakeJob) -> None:
    first, second = make_job(), make_job()
    ada_page.goto("/reports")
    expect(ada_page.get_by_label("Select all")).to_be_visible()
    expect(ada_page.get_by_role("button", name="Cancel")).to_be_hidden()
    for locator in ("#select-all", f"#select-{first.pk}"):
        ada_page.locator(locator).focus()
        ada_page.keyboard.press("Space")
    expect(ada_page.get_by_text("Selected: 1")).to_be_visible()
    ada_page.get_by_role("button", name="Cancel").focus()
    ada_page.keyboard.press("Enter")
    ada_page.get_by_role("button", name="Cancel this report").press("Enter")
    expect(ada_page.get_by_text("1 report was canceled.")).to_be_visible()
    assert list(Job.objects.filter(state=State.CANCELLED)) == [second]


def test_lists_filters_and_actions_work_without_javascript(
    browser: Browser, live_url: str, client: Client, owner: User, make_job: MakeJob
) -> None:
    Queue.objects.filter(name="reports").update(paused=True)  # no worker of an earlier test shall take it
    make_job(of="customers", parameters={})
    make_job(State.CANCELLED)
    client.force_login(owner)
    context = browser.new_context(java_script_enabled=False, base_url=live_url)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Reports", exact=True).click()
    page.get_by_text("Filter reports").click()
    page.get_by_label("Canceled").check()
    page.get_by_label("Expired").check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".job .badge")).to_have_text(["Canceled"])
    page.get_by_role("link", name="Remove this filter: Expired").click()
    expect(page).to_have_url(f"{live_url}/reports?status=Canceled")
    page.get_by_label("Select Yearly sales").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete this report permanently").click()
    expect(page.get_by_text("1 report was deleted.")).to_be_visible()
    expect(page).to_have_url(f"{live_url}/reports?status=Canceled")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".job .badge")).to_have_text(["Queued"])
    context.close()
