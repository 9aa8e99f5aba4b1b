"""Send, check, confirm, done: what the pages of an upload say while web server, Redis, worker and laptop fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from tests.support.fault import Fault, kill
from tests.support.gates import gate_at
from tests.support.movements import make_item, moved
from tests.support.outages import valkey_killed
from tests.support.page_faults import HeldPatches, asleep
from tests.support.upload_form import CHUNK_BYTES, choose
from tests.support.uploads import file_of
from tests.support.waiting import wait_until

#: Three requests, of which the last one is short. The surplus column makes the file large, not the table.
ROWS = 180
LARGE = b"Item,Supplier,Quantity,Moved at,Comment\n" + b"".join(
    b"A-1,S-1,%d,2026-01-31T12:00:00Z,%s\n" % (quantity, b"x" * 100_000) for quantity in range(1, ROWS + 1)
)
LONG = 60_000  # milliseconds


def test_a_file_sent_over_a_restart_of_the_web_server_while_redis_is_down_is_checked(
    fault: Fault, visit: Callable[..., Page], tmp_path: Path
) -> None:
    make_item(fault.owner)
    path = tmp_path / "movements.csv"
    path.write_bytes(LARGE)
    page = visit(fault.owner)
    page.goto("/uploads/new?type=movements")
    patches = HeldPatches(page, hold_from=CHUNK_BYTES)
    choose(page, path)
    page.get_by_role("button", name="Check first").click()
    patches.wait()
    fault.stack.kill("web")
    patches.let_go()
    expect(page.locator("[data-part=state]")).to_have_text(
        "The connection is lost. The upload goes on by itself when it is back."
    )
    with valkey_killed():
        fault.stack.ensure_web()
        expect(page).to_have_url(re.compile("/uploads/[0-9a-f-]{36}$"), timeout=LONG)
        expect(page.locator(".headline .badge")).to_have_text("Queued")
        expect(page.locator(".notice.wait")).to_have_text("Number 1 in the queue.")
    fault.stack.ensure_workers()
    fault.mend_until(Job.objects.get(), State.SUCCEEDED, timeout=60)
    expect(page.get_by_role("heading", name=f"{ROWS} rows are ready to be written")).to_be_visible()
    assert sorted(set(patches.offsets)) == [0, CHUNK_BYTES, 2 * CHUNK_BYTES]
    assert patches.offsets.count(0) == 1, "what had arrived is not sent again"
    assert file_of(Job.objects.get(), Artifact.Role.SOURCE) == LARGE
    assert Attempt.objects.count() == 1


def test_a_plan_is_carried_out_once_although_its_worker_is_killed_and_the_laptop_sleeps(
    fault: Fault, visit: Callable[..., Page]
) -> None:
    make_item(fault.owner)
    lines = "".join(f"A-1,S-1,{quantity},2026-01-31T12:00:00Z\n" for quantity in range(1, ROWS + 1))
    data = f"Item,Supplier,Quantity,Moved at\n{lines}".encode()
    page = visit(fault.owner)
    page.goto("/uploads/new?type=movements")
    choose(page, {"name": "movements.csv", "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="Check first").click()
    step, notice = page.locator("[aria-current=step]"), page.locator(".notice").last
    with gate_at("insert") as gate:
        page.get_by_role("button", name=f"Write {ROWS} rows").click(timeout=LONG)
        gate.wait()
        expect(step).to_have_text("Written")
        job = Job.objects.get(payload__dryRun=False)
        kill(Attempt.objects.get(job=job).process_id or 0)
        fault.mend_until(job, State.FAILED)
        expect(notice).to_contain_text("An attempt failed. You do not need to do anything")
        expect(page.locator(".headline .badge")).to_have_text("In progress")
        assert moved() == []
        fault.mend_until(job, State.RUNNING)
        expect(page.locator(".facts")).to_contain_text(re.compile(r"Attempt\s*2"))
        fault.stack.kill("web")
        expect(page.locator("[data-connection]")).to_have_text("Connection lost. Trying again…")
        fault.stack.ensure_web()
        expect(page.locator("[data-connection]")).to_have_text("", timeout=LONG)
        wait_until(gate.is_reached)
        with asleep(page):
            gate.open()
            fault.wait_for(job, State.SUCCEEDED)
    expect(page.get_by_role("heading", name="The file is in")).to_be_visible()
    expect(page.locator("[data-announcement]")).to_have_text("Movements: Complete")
    page.evaluate("() => { document.dispatchEvent(new Event('visibilitychange')); }")  # the user looks at the tab
    expect(page).to_have_title("Movements: Complete – Longhaul")
    assert moved() == list(range(1, ROWS + 1))
    assert fault.outcomes(job) == ["lost", "succeeded"]
