"""The form of a schedule, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from jobs.models import Schedule


def create_schedule(page: Page) -> Schedule:
    """From the list of schedules, create one of the yearly sales of the last year, on Thursdays at 06:45."""
    page.get_by_role("link", name="New schedule").click()
    page.get_by_role("link", name="Yearly sales").click()
    page.get_by_label("Fixed or relative").select_option("Last year")
    page.get_by_label("Name").fill("Each Thursday")
    page.get_by_label("Monday").uncheck()
    page.get_by_label("Thursday").check()
    page.get_by_label("Time", exact=True).fill("06:45")
    page.get_by_role("button", name="Create the schedule").click()
    expect(page.get_by_role("heading", name="Each Thursday")).to_be_visible()
    return Schedule.objects.get()
