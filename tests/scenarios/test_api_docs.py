"""The sessions of docs/api.md, run word for word."""

import csv
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connections
from playwright._impl._driver import compute_driver_executable

from config.stack.datafolder import BASE_DIR
from examples.sales.models import Product
from examples.sales.seeding import seed_sales
from jobs.models import Job, Queue
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.uploads import run
from tests.support.waiting import wait_until

#: Playwright brings a Node.js along.
NODE = str(compute_driver_executable()[0])
SESSIONS = {
    "bash": ("session.sh", ["bash", "-euo", "pipefail"]),
    "python": ("session.py", [sys.executable]),
    "js": ("session.mjs", [NODE]),
}


def run_session(text: str, language: str, live_url: str, folder: Path) -> User:
    """Run the first example in this language as a new user."""
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    name, command = SESSIONS[language]
    (folder / name).write_text(found[1])
    owner = User.objects.create_user("demo")
    environment = {**os.environ, "BASE": live_url, "TOKEN": bearer_of(owner)}
    done = subprocess.run(
        [*command, name], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return owner


@pytest.mark.parametrize("language", SESSIONS)
def test_a_session_ends_with_the_file(language: str, stack: Stack, live_url: str, tmp_path: Path) -> None:
    list(seed_sales(lines=1000, using="default"))
    text = (BASE_DIR / "docs" / "api.md").read_text().split("## A whole session")[1]
    owner = run_session(text, language, live_url, tmp_path)
    job = Job.objects.get()
    assert (job.owner, job.type, job.idempotency_key is None) == (owner, "yearly-sales", False)
    with (tmp_path / "sales.csv").open(newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading[:3] == ["Month", "Category", "Orders"]
    assert {row[0][:4] for row in rows} == {"2023"}


def test_an_order_waits_for_its_end(stack: Stack, live_url: str, tmp_path: Path) -> None:
    list(seed_sales(lines=1000, using="default"))
    text = (BASE_DIR / "docs" / "api.md").read_text().split("### Wait for the end")[1]
    run_session(text, "bash", live_url, tmp_path)
    first, *_, body = (tmp_path / "waited.txt").read_text().splitlines()
    assert first == "HTTP/1.1 200 OK"
    assert f'"reportURL":"/api/reports/{Job.objects.get().pk}/download"' in body


def test_rows_that_were_rejected_are_corrected_and_uploaded(stack: Stack, live_url: str, tmp_path: Path) -> None:
    text = (BASE_DIR / "docs" / "api.md").read_text().split("### From a file to the table")[1]
    run_session(text, "bash", live_url, tmp_path)
    assert sorted(Product.objects.values_list("sku", "name", "list_price")) == [
        ("A-1", "Bolt", Decimal("1.50")),
        ("A-2", "Nut", Decimal("0.10")),
    ]
    first, rehearsal, last = Job.objects.order_by("pk")
    assert [job.payload["dryRun"] for job in (first, rehearsal, last)] == [False, True, False]
    assert last.payload["corrects"] == str(first.pk)
    assert last.payload["plan"] == (rehearsal.result or {})["upload"]["planDigest"]


def test_a_call_is_ordered_and_its_result_and_steps_are_read(
    transactional_db: None, live_url: str, tmp_path: Path
) -> None:
    text = (BASE_DIR / "docs" / "api.md").read_text().split("## Calls")[1]
    Queue.objects.filter(name="calls").update(paused=True)

    def run_when_ordered() -> None:
        try:
            wait_until(lambda: Job.objects.exists(), timeout=30)
            run(Job.objects.get())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as worker:
        ran = worker.submit(run_when_ordered)
        owner = run_session(text, "bash", live_url, tmp_path)
        ran.result()
    job = Job.objects.get()
    assert (job.owner, job.state, job.result) == (owner, "succeeded", {"value": {"doubled": [2, 4, 6], "total": 12}})


def test_a_file_is_sent_in_parts(stack: Stack, live_url: str, tmp_path: Path) -> None:
    text = (BASE_DIR / "docs" / "api.md").read_text().split("### Send a file in parts")[1]
    run_session(text, "bash", live_url, tmp_path)
    assert sorted(Product.objects.values_list("sku", flat=True)) == ["A-1", "A-2"]
    assert Job.objects.get().payload["file"]["filename"] == "products.csv"
