"""Eight faults as somebody on call meets them who has never seen this service: each is found on the admin's first page,
explained, and cured from the admin alone, in a few clicks and within three minutes.

What no admin can do (start a worker, restart Redis, restore a table, deploy code) is done as its pages advise.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from jobs.dispatch.presence import renew
from jobs.dispatch.submission import submit_job
from jobs.models import Job, Queue
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.fault import Fault
from tests.support.outages import valkey_hung
from tests.support.stack import Stack

MINUTES: float = 3 * 60  # in which each is found, explained and cured. Seconds
APPEARS = 30_000  # the first page refreshes itself every 10 seconds. Milliseconds


class OnCall:
    """A person with the role administrator, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def open_admin(self) -> None:
        self.page.goto("/admin/")

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def press(self, name: str) -> None:
        """A button or a link of the main part of the page."""
        main = self.page.locator("#main, #content").first
        named = main.get_by_role("button", name=name, exact=True).or_(main.get_by_role("link", name=name, exact=True))
        self.click(named.first)

    def trouble(self, text: str) -> Locator:
        return self.page.locator("#lh-troubles").get_by_role("listitem").filter(has_text=re.compile(text))

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=APPEARS)

    def cure(self, trouble: str, button: str) -> None:
        """Press the button beside a trouble."""
        found = self.trouble(trouble)
        expect(found).to_be_visible(timeout=APPEARS)
        self.click(found.get_by_role("link", name=button))

    def gives_reason(self, text: str) -> None:
        self.page.get_by_label("Reason").fill(text)


@pytest.fixture
def on_call(stack: Stack, page: Page, live_url: str) -> Iterator[OnCall]:
    person = User.objects.create_user("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="administrator"))
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    began = time.monotonic()
    yield OnCall(page)
    assert time.monotonic() - began < MINUTES


def order(owner: User, report_type: str, **parameters: object) -> Job:
    payload = {"reportType": report_type, "parameters": parameters, "csv": Dialect().to_payload(), "language": "en"}
    return submit_job(kind="report", owner=owner, payload=payload)


def test_an_sql_error_is_cured_by_editing_the_parameter(fault: Fault, owner: User, on_call: OnCall) -> None:
    job = order(owner, "shares", divisor=0, apiKey="sesame-sesame")
    fault.wait_for(job, State.DEAD)
    on_call.open_admin()
    on_call.cure("1 job in the queue reports is dead", "Show the jobs")
    on_call.press(str(job.pk))
    on_call.sees("division by zero")
    on_call.press("Edit and requeue…")
    on_call.page.get_by_label("parameters → divisor").fill("2")
    on_call.gives_reason("nobody divides by 0")
    on_call.press("Review changes")
    on_call.press("Save and requeue")
    fault.wait_for(job, State.SUCCEEDED)
    on_call.sees("Succeeded")
    assert on_call.clicks == 5


def test_a_python_error_is_cured_by_a_deployment_and_a_requeue(fault: Fault, on_call: OnCall) -> None:
    job = fault.wait_for(fault.submit("regress"), State.DEAD)
    on_call.open_admin()
    on_call.cure("1 job in the queue reports is dead", "Show the jobs")
    on_call.press(str(job.pk))
    on_call.sees("KeyError: 'region'")
    on_call.click(on_call.page.get_by_text("Traceback", exact=True))
    on_call.sees("in regress")
    fault.open_gate()  # the deployment
    on_call.press("Requeue…")
    on_call.gives_reason("version 2 is deployed")
    on_call.press("Requeue")
    fault.wait_for(job, State.SUCCEEDED)
    on_call.sees("Succeeded")
    assert on_call.clicks == 5


def test_a_table_that_was_gone_is_cured_for_all_its_jobs_at_once(fault: Fault, owner: User, on_call: OnCall) -> None:
    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename("sales_customer", "sales_customer_gone")
    try:
        jobs = [fault.wait_for(order(owner, "customers"), State.DEAD) for _ in range(2)]
        on_call.open_admin()
        on_call.cure("2 jobs in the queue reports are dead", "Show the failure groups")
        on_call.sees('relation "sales_customer" does not exist')
    finally:
        rename("sales_customer_gone", "sales_customer")  # as the database's administrator does, told this sentence
    on_call.press("Requeue…")
    on_call.gives_reason("the table is back")
    on_call.press("Start dry run")
    on_call.press("Start with a canary")
    for job in jobs:
        fault.wait_for(job, State.SUCCEEDED)
    expect(on_call.page.get_by_role("row", name="Succeeded 2")).to_be_visible(timeout=APPEARS)
    assert on_call.clicks == 4


def test_a_job_that_kills_its_workers_is_explained_and_discarded(fault: Fault, on_call: OnCall) -> None:
    job = fault.submit("crash", signal=int(signal.SIGSEGV))
    job = fault.mend_until(job, State.DEAD, timeout=60)
    assert fault.outcomes(job) == ["lost"] * 3
    on_call.open_admin()
    on_call.cure("1 job in the queue reports is dead", "Show the jobs")
    on_call.press(str(job.pk))
    on_call.sees("The worker process was killed by signal 11 (SIGSEGV).")
    on_call.sees("It may take down the next worker.")
    on_call.press("Discard…")
    on_call.gives_reason("it ends its worker each time")
    on_call.press("Discard")
    on_call.sees("1 job discarded.")
    assert on_call.clicks == 4


def test_a_paused_queue_is_resumed_from_the_first_page(fault: Fault, on_call: OnCall) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    job = fault.submit("work")
    on_call.open_admin()
    on_call.cure("The queue reports is paused: no job in it starts, and 1 job is waiting.", "Resume…")
    on_call.gives_reason("the database is idle again")
    on_call.press("Confirm")
    fault.wait_for(job, State.SUCCEEDED)
    on_call.open_admin()
    expect(on_call.trouble("is paused")).to_have_count(0)
    assert on_call.clicks == 2


def test_a_full_queue_gets_a_higher_limit_from_the_first_page(
    fault: Fault, owner: User, on_call: OnCall, client: Client
) -> None:
    Queue.objects.filter(name="reports").update(max_queued=1)
    submit_job(kind="fault-work", owner=owner, payload={}, scheduled_at=timezone.now() + timedelta(days=1))
    client.force_login(owner)
    asked = {"reportType": "yearly-sales", "parameters": {"year": 2023}}
    refused = client.post("/api/reports", asked, content_type="application/json")
    assert refused.status_code == 503
    on_call.open_admin()
    on_call.cure("The queue reports is full: 1 of at most 1 jobs are waiting", "Raise the limit…")
    on_call.page.locator("#id_max_queued").fill("100")
    on_call.gives_reason("the month ends")
    on_call.press("Save")
    on_call.press("Confirm")
    on_call.sees("The dials of reports were changed.")
    assert client.post("/api/reports", asked, content_type="application/json").status_code == 202
    assert on_call.clicks == 3


def test_a_stopped_worker_is_named_and_the_page_sees_it_come_back(
    fault: Fault, stack: Stack, on_call: OnCall, stored: Callable[[], set[str]]
) -> None:
    renew("io@here", {*settings.QUEUE_NAMES} - {"reports", "uploads"}, begins=True)  # the suite's own do not tell
    stack.stop("worker-csv")
    job = fault.submit("work")
    on_call.open_admin()
    named = on_call.trouble("No worker consumes the queue reports, and 1 job is waiting.")
    expect(named).to_be_visible(timeout=APPEARS)
    expect(named).to_contain_text("Start a worker that has reports among the queues of its option -Q.")
    with stack.running("worker-csv", as_name="new", WORKER_PRESENCE_SECONDS="1"):  # as the page advises
        fault.wait_for(job, State.SUCCEEDED)
        expect(named).to_have_count(0, timeout=APPEARS)
    assert on_call.clicks == 0


def test_a_redis_that_hangs_is_named_and_the_page_sees_it_come_back(fault: Fault, on_call: OnCall) -> None:
    with valkey_hung():
        began = time.monotonic()
        on_call.open_admin()
        named = on_call.trouble("Redis does not answer")
        expect(named).to_be_visible(timeout=APPEARS)
        assert time.monotonic() - began < 20
        expect(named).to_contain_text("Orders are still accepted and kept in PostgreSQL")
        job = fault.submit("work")
    fault.mend_until(job, State.SUCCEEDED, timeout=60)
    expect(named).to_have_count(0, timeout=APPEARS)
    assert on_call.clicks == 0
