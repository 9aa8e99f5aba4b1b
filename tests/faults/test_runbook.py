"""The admin as the runbook, in a real Chromium: a job that died of a real fault is found, understood and mended."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Page, expect

from jobs.dispatch.submission import submit_job
from jobs.models import AuditEntry, Job, PayloadRevision
from jobs.payloads.sealing import unseal
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.fault import Fault
from tests.support.stack import Stack


@pytest.fixture
def operator_page(stack: Stack, page: Page, complaints: list[str], live_url: str) -> Page:
    """Chromium, with an operator signed in."""
    operator = User.objects.create_user("olga", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(operator)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    return page


def order_shares(owner: User, divisor: int) -> Job:
    parameters = {"divisor": divisor, "apiKey": "sesame-sesame"}
    payload = {"reportType": "shares", "parameters": parameters, "csv": Dialect().to_payload(), "language": "en"}
    return submit_job(kind="report", owner=owner, payload=payload)


def test_a_dead_job_is_found_in_three_clicks_understood_edited_and_completes(
    fault: Fault, owner: User, operator_page: Page
) -> None:
    job = order_shares(owner, 0)
    fault.wait_for(job, State.DEAD)
    page = operator_page
    page.goto("/admin/")
    dead = page.get_by_role("listitem").filter(has_text="1 job in the queue reports is dead")
    dead.get_by_role("link", name="Show the jobs").click()
    page.get_by_role("link", name=str(job.pk)).click()
    expect(page.get_by_text("psycopg.errors.DivisionByZero: division by zero").first).to_be_visible()
    expect(page.get_by_role("heading", name="Can I requeue this? safe with a warning")).to_be_visible()
    expect(page.get_by_text("(query-refused) will not go away by itself")).to_be_visible()
    expect(page.get_by_role("img", name="attempt 1 failed")).to_be_visible()
    assert "sesame" not in page.content()
    page.get_by_role("link", name="Edit and requeue…").click()

    page.get_by_label("parameters → divisor").fill("2")
    page.get_by_label("Reason").fill("nobody divides by 0")
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("del")).to_have_text('-     "divisor": 0')
    expect(page.locator("ins")).to_have_text('+     "divisor": 2')
    assert fault.wait_for(job, State.DEAD)
    page.get_by_role("button", name="Save and requeue").click()
    expect(page.get_by_text("The payload was changed, and the job was requeued.")).to_be_visible()

    job = fault.wait_for(job, State.SUCCEEDED)
    page.reload()
    expect(page.get_by_role("heading", name="Succeeded")).to_be_visible()
    expect(page.get_by_role("img", name="attempt 2 succeeded")).to_be_visible()
    assert unseal(job.payload["parameters"]) == {"divisor": 2, "apiKey": "sesame-sesame"}
    assert PayloadRevision.objects.get().payload["parameters"]["divisor"] == 0
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "reason")
    assert list(entries) == [("olga", "edit", "nobody divides by 0"), ("olga", "requeue", "nobody divides by 0")]


def test_jobs_are_chosen_in_the_list_and_discarded_behind_one_page(
    fault: Fault, owner: User, operator_page: Page
) -> None:
    jobs = [order_shares(owner, 0), order_shares(owner, 0)]
    for job in jobs:
        fault.wait_for(job, State.DEAD)
    page = operator_page
    page.goto("/admin/jobs/job/?state=dead")
    for job in jobs:
        page.locator(f'input[value="{job.pk}"]').check()
    page.get_by_label("Action").first.select_option("discard_jobs")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Discard 2 jobs?")).to_be_visible()
    page.get_by_label("Reason").fill("nobody wants them")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("2 jobs discarded.")).to_be_visible()
    assert set(Job.objects.values_list("state", flat=True)) == {State.CANCELLED}


def test_a_group_is_requeued_in_bulk_and_the_page_tells_how_it_goes(
    fault: Fault, owner: User, operator_page: Page, monkeypatch: pytest.MonkeyPatch, stored: Callable[[], set[str]]
) -> None:
    for _ in range(3):
        fault.wait_for(fault.submit("refuse"), State.DEAD)
    page = operator_page
    page.goto("/admin/jobs/job/groups/")
    expect(page.get_by_text("never").first).to_be_visible()
    page.get_by_role("link", name="Requeue…").click()
    page.get_by_label("Reason").fill("perhaps it is fixed")
    page.get_by_role("button", name="Start dry run").click()
    expect(page.get_by_role("status")).to_have_text("Checked", timeout=15_000)
    page.get_by_role("button", name="Start with a canary").click()
    expect(page.get_by_role("status")).to_have_text("Halted", timeout=15_000)
    expect(page.get_by_text("is dead: jobs.errors.PermanentError: never")).to_be_visible()
    page.goto("/admin/")
    halted = page.get_by_role("listitem").filter(has_text="is halted. The canary")
    halted.get_by_role("link", name="Open the bulk run").click()
    expect(page.get_by_text("Resume tries the canary once more.")).to_be_visible()
    expect(page.get_by_role("row", name="Failed again 1")).to_be_visible()


def test_a_secret_that_an_error_quotes_stands_nowhere(
    fault: Fault, operator_page: Page, stack: Stack, client: Client
) -> None:
    secret = "open-sesame-4711"
    job = fault.wait_for(fault.submit("betray", token=secret), State.FAILED)
    attempt = job.attempts.get(number=1)
    assert attempt.error_message == job.error_message == "the partner refused ***"
    assert job.result == {"error": {"code": "retryable-error", "detail": "the partner refused ***", "retryable": True}}
    assert "the partner refused ***" in attempt.traceback
    assert "the partner refused ***" in stack.log("worker-csv")
    pages = ["/admin/", "/admin/jobs/job/", "/admin/jobs/job/groups/", f"/admin/jobs/job/{job.pk}/change/"]
    pages += [f"/admin/jobs/job/{job.pk}/edit/", f"/admin/jobs/job/{job.pk}/history/", "/admin/jobs/auditentry/"]
    pages += [f"/admin/jobs/attempt/{attempt.pk}/change/", f"/admin/jobs/job/?q={secret}"]
    seen = []
    for path in pages:
        operator_page.goto(path)
        seen.append(operator_page.locator("#main").inner_text())
    assert "the partner refused ***" in seen[3]
    assert [text for text in seen if secret in text] == []
    for name in ("worker-csv", "worker-io", "web"):
        assert secret not in stack.log(name).replace(f"q={secret}", "")
