"""Pages of the admin that refresh themselves, in Chromium: not while somebody uses them, and nothing is lost."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from jobs.models import Attempt, Job
from jobs.states import State

SHOW = "for (const part of document.querySelectorAll('[data-live]')) htmx.trigger(part, 'shown')"


def show(page: Page) -> None:
    """Refresh as a tab does that is shown again.

    htmx connects new content a moment after it is visible, and an event before that is lost.
    """
    page.wait_for_function("!document.querySelector('.htmx-added')")
    page.evaluate(SHOW)


@pytest.fixture
def staff_page(page: Page, complaints: list[str], transactional_db: None, live_url: str) -> Page:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    return page


def test_the_list_waits_while_a_job_is_ticked(staff_page: Page, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.DEAD)
    staff_page.goto("/admin/jobs/job/")
    box = staff_page.locator(f'input[value="{job.pk}"]')
    box.check()
    asked: list[str] = []
    staff_page.on("request", lambda request: asked.append(request.url))
    show(staff_page)
    expect(box).to_be_checked()
    assert asked == []
    box.uncheck()
    staff_page.evaluate("document.activeElement.blur()")
    newer = make_job(state=State.DEAD)
    show(staff_page)
    expect(staff_page.get_by_role("link", name=str(newer.pk))).to_be_visible()


def test_the_boxes_of_a_refreshed_list_are_ticked_and_counted_together(
    staff_page: Page, make_job: Callable[..., Job]
) -> None:
    jobs = [make_job(state=State.DEAD)]
    staff_page.goto("/admin/jobs/job/")
    for _ in range(3):
        newer = make_job(state=State.DEAD)
        show(staff_page)
        expect(staff_page.get_by_role("link", name=str(newer.pk))).to_be_visible()
        jobs.append(newer)
    expect(staff_page.locator("#lh-pages")).to_have_text("4 jobs")
    every, counter = staff_page.locator("#action-toggle"), staff_page.locator(".action-counter")
    every.check()
    expect(staff_page.locator("input.action-select:checked")).to_have_count(4)
    expect(counter).to_have_text("4 of 4 selected")
    staff_page.locator("select[name=action]").select_option("requeue_jobs")
    expect(staff_page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    staff_page.locator(f'input[value="{jobs[0].pk}"]').uncheck()
    expect(counter).to_have_text("3 of 4 selected")
    expect(every).not_to_be_checked()
    staff_page.keyboard.down("Shift")
    staff_page.locator(f'input[value="{jobs[3].pk}"]').uncheck()
    staff_page.keyboard.up("Shift")
    expect(staff_page.locator("input.action-select:checked")).to_have_count(0)


def test_the_page_of_a_job_keeps_what_is_unfolded_and_stops_when_the_job_has_ended(
    staff_page: Page, make_job: Callable[..., Job]
) -> None:
    job = make_job(state=State.FAILED, retry_at="2030-01-01T00:00:00Z")
    Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w", outcome="failed", traceback="in line 7")
    staff_page.goto(f"/admin/jobs/job/{job.pk}/change/")
    staff_page.get_by_text("Traceback", exact=True).click()
    staff_page.evaluate("document.activeElement.blur()")
    Job.objects.update(state=State.RUNNING)
    show(staff_page)
    expect(staff_page.get_by_role("heading", name="Running")).to_be_visible()
    expect(staff_page.get_by_text("in line 7")).to_be_visible()
    Job.objects.update(state=State.CANCELLED)
    show(staff_page)
    expect(staff_page.locator("[data-live]")).to_have_count(0)


def test_a_session_that_has_ended_leads_to_the_sign_in(staff_page: Page, live_url: str) -> None:
    staff_page.goto("/admin/")
    staff_page.context.clear_cookies()
    show(staff_page)
    expect(staff_page).to_have_url(f"{live_url}/admin/login/?next=/admin/")
