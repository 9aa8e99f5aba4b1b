"""Order, watch, download: what the page of a report says while workers, Redis, the web server and the laptop fail."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from examples.sales.models import OrderLine
from examples.sales.seeding import seed_sales
from jobs.models import Activity, Attempt, Job, RecentRuns, Worker
from jobs.states import State
from tests.support.fault import Fault, kill
from tests.support.gates import gate_in_report
from tests.support.outages import valkey_killed
from tests.support.page_faults import asleep
from tests.support.waiting import wait_until

LINES = 3000
LONG = 60_000  # milliseconds


def badge(page: Page) -> Locator:
    return page.locator(".headline .badge")


def make_history(report_type: str) -> None:
    """Many reports of this type have ended in the last minutes, so that times could be told."""
    for minutes_ago in range(1, 6):
        minute = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
        Activity.objects.create(minute=minute, queue="reports", outcome="succeeded", attempts=60, seconds=60, rows=0)
    RecentRuns.objects.create(kind="report", type=report_type, seconds=[1] * 9, rows=[9] * 9, rows_expected=[None] * 9)


def downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_an_order_without_worker_and_redis_waits_truthfully_and_completes_by_itself(
    fault: Fault, visit: Callable[..., Page], every_second: None
) -> None:
    list(seed_sales(lines=100, using="default"))
    make_history("yearly-sales")
    fault.stack.stop("worker-csv")
    Worker.objects.create(name="io@here", queues=["maintenance"], started_at=timezone.now(), seen_at=timezone.now())
    page = visit(fault.owner)
    page.goto("/reports/new?type=yearly-sales")
    page.get_by_role("spinbutton", name="Year").fill("2023")
    with valkey_killed():
        with page.expect_response(lambda answer: answer.request.method == "POST") as ordered:
            page.get_by_role("button", name="Order", exact=True).click()
        expect(badge(page)).to_have_text("Queued")
        assert ordered.value.request.timing["responseStart"] < 2000
        expect(page.locator(".notice.wait")).to_have_text(
            "No worker is available at the moment. It starts as soon as a worker is back."
        )
        expect(page.locator(".headline p")).to_have_text("It is next in the queue.")
        expect(page.locator(".figures")).to_have_text("Position in queue 1", use_inner_text=True)
        expect(page.locator("progress + .note")).to_have_text("0 %")
    Worker.objects.all().delete()
    with fault.stack.running("beat"):
        fault.stack.ensure_workers()
        expect(badge(page)).to_have_text("Complete", timeout=LONG)
    expect(page).to_have_title("Yearly sales: Complete – Longhaul")
    assert Attempt.objects.count() == 1


def test_a_killed_worker_a_restarted_web_server_and_a_sleeping_laptop_lose_nothing(
    fault: Fault, visit: Callable[..., Page], tmp_path: Path
) -> None:
    list(seed_sales(lines=LINES, using="default"))
    page = visit(fault.owner)
    page.goto("/reports/new?type=gated-lines")
    figures, headline = page.locator(".figures"), page.locator(".headline p")
    with gate_in_report() as gate:
        page.get_by_role("button", name="Order", exact=True).click()
        gate.wait()
        expect(headline).to_have_text("It is running, and rows are arriving.", timeout=LONG)
        expect(figures).to_contain_text("1 of 5")
        job = Job.objects.get()
        kill(Attempt.objects.get(job=job).process_id or 0)
        fault.mend_until(job, State.FAILED)
        expect(page.locator(".notice.wait")).to_contain_text("Attempt 1 failed. The next attempt starts at")
        expect(badge(page)).to_have_text("In progress")
        fault.mend_until(job, State.RUNNING)
        expect(figures).to_contain_text("2 of 5")

        fault.stack.kill("web")
        connection = page.locator("[data-connection]")
        expect(connection).to_have_text("Connection lost. Trying again…")
        expect(badge(page)).to_have_text("In progress")
        fault.stack.ensure_web()
        expect(connection).to_have_text("", timeout=LONG)

        wait_until(gate.is_reached)
        with asleep(page):
            gate.open()
            fault.wait_for(job, State.SUCCEEDED)
    expect(badge(page)).to_have_text("Complete")
    expect(page.locator("[data-announcement]")).to_have_text("Gated lines: Complete")
    expect(page.locator(".story")).to_contain_text("The attempt was lost after")
    with downloaded(page, tmp_path).open(newline="") as file:
        rows: list[Any] = list(csv.reader(file))
    expected = OrderLine.objects.order_by("pk").values_list("pk", "quantity", "amount")
    assert rows == [["id", "quantity", "amount", "gate"], *([*map(str, line), ""] for line in expected)]
    assert len(rows) == LINES + 1
    assert fault.outcomes(job) == ["lost", "succeeded"]
