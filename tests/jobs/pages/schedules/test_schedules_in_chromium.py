"""A schedule as people make one, in a real Chromium, with real workers."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from examples.sales.seeding import seed_sales
from jobs.models import Job
from tests.support.schedule_form import create_schedule
from tests.support.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def test_make_a_schedule_run_it_pause_it_and_delete_it(
    stack: Stack, signed_in: Client, live_url: str, page: Page, complaints: list[str]
) -> None:
    list(seed_sales(lines=100, using="default"))
    session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    page.goto("/schedules")
    expect(page.get_by_text("You have no schedules.")).to_be_visible()
    schedule = create_schedule(page)
    expect(page).to_have_url(f"{live_url}/schedules/{schedule.pk}")
    expect(page.locator("dl")).to_contain_text("Every Thursday at 06:45 (Asia/Tokyo)")
    expect(page.locator("dl")).to_contain_text("Last year")
    expect(page.get_by_role("region", name="Next runs").get_by_role("row")).to_have_count(6)

    page.get_by_role("button", name="Run now").click()
    page.get_by_role("region", name="History").get_by_role("link", name="See the job").click()
    expect(page.locator(".badge")).to_have_text("Complete", timeout=15_000)
    job = Job.objects.get()
    expect(page).to_have_url(f"{live_url}/reports/{job.pk}")
    page.get_by_role("link", name="Repeat…").click()
    expect(page.get_by_role("spinbutton", name="Year")).to_have_value(str(job.payload["parameters"]["year"]))

    page.goto(f"/schedules/{schedule.pk}")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("You have paused this schedule.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("You have no schedules.")).to_be_visible()
    assert Job.objects.count() == 1
