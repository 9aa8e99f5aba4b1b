"""A large file, sent by the page over a network that fails, into the storage and through its job.

`make big-upload MB=…` sends one of a gigabyte, and each `make test` a small one.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, Response, expect

from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.axe import carry_session
from tests.support.proxies import Proxy
from tests.support.stack import Stack
from tests.support.upload_form import choose
from tests.support.waiting import wait_until

MB: Final = 1_000_000
FORM: Final = "/uploads/new?type=items"
HEADINGS: Final = b"Code,Name,Price,Note\n"
#: Bytes of a row with its line feed. Large rows are quickly written, so the test is about the bytes.
ROW_BYTES: Final = 4000
#: Where the network fails, and where the tab is reloaded: parts of the size, counted in all that the browser has sent.
CUTS: Final = (0.05, 0.21, 0.43, 0.71, 0.93)
RELOAD: Final = 0.55
#: What a web process may grow by, whatever the size: what its first requests load, and buffers. Bytes.
ALLOWED_GROWTH: Final = 36 * MB
#: The requests with bytes have at most so many (`CHUNK_BYTES` of the script): so much may be sent again each time.
CHUNK_BYTES: Final = 8 * 1024 * 1024


@pytest.fixture
def write_file(tmp_path: Path) -> Iterator[Callable[[int], tuple[Path, str]]]:
    """Write a file of items of so many bytes, which is deleted after the test. Returns its path and its SHA-256."""
    path = tmp_path / "items.csv"

    def write(size: int) -> tuple[Path, str]:
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for piece in (HEADINGS, *map(row, range((size - len(HEADINGS)) // ROW_BYTES))):
                file.write(piece)
                digest.update(piece)
        return path, digest.hexdigest()

    yield write
    path.unlink(missing_ok=True)


def row(number: int) -> bytes:
    """No two rows are equal."""
    start = b"A-%08d,Bolt,1.50," % number
    return start + (b"%08d" % number * (ROW_BYTES // 8))[: ROW_BYTES - len(start) - 1] + b"\n"


def sha256_of_source(job: Job) -> tuple[int, str]:
    """Size in bytes, and SHA-256, of the stored file."""
    artifact = Artifact.objects.get(job=job, role=Artifact.Role.SOURCE)
    digest, size = hashlib.sha256(), 0
    with closing(open_artifact_range(artifact, first=0, last=artifact.size_bytes - 1)) as stored:
        for piece in stored:
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def memory_of(pid: int) -> tuple[int, int]:
    """What a process has in memory now, and had at most. Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, most = (int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def web_worker(stack: Stack) -> int:
    """The process id of the only process of gunicorn that answers requests."""
    [worker] = psutil.Process(stack.pid("web")).children()
    return int(worker.pid)


def renderer() -> int:
    """The process id of the page's process: of those of Chromium, the one with the most memory."""
    found = [process for process in psutil.Process().children(recursive=True) if "--type=renderer" in process.cmdline()]
    return int(max(found, key=lambda process: process.memory_info().rss).pid)


def send(page: Page, stack: Stack, client: Client, path: Path, *, seconds: int) -> Proxy:
    """Send the file by the page, with five cuts and a reload, until the page of the upload is shown."""
    size = path.stat().st_size
    cuts = [round(size * part) for part in CUTS]
    with Proxy(stack.url, cuts=cuts, holds_after=round(size * RELOAD)) as proxy:
        carry_session(page, client, proxy.url)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{proxy.url}{FORM}")
        page.evaluate("navigator.serviceWorker.ready")
        choose(page, path)
        page.get_by_role("button", name="Upload", exact=True).click()
        wait_until(lambda: page.title() and proxy.is_holding.is_set(), timeout=seconds, message="half is sent")
        page.reload()
        expect(page.locator("[data-interrupted]")).to_contain_text("The upload of items.csv was interrupted at")
        proxy.go_on()
        assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
        page.set_input_files("#file", path)
        expect(page).to_have_url(re.compile("/uploads/[0-9a-f-]{36}$"), timeout=seconds * 1000)
        assert proxy.cuts_left == []
    return proxy


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("size", "seconds"),
    [
        (40 * MB, 60),
        pytest.param(int(os.environ.get("MB") or 1000) * MB, 3600, marks=pytest.mark.big_upload),
    ],
    ids=["small", "big"],
)
def test_a_large_file_arrives_whole_over_five_cuts_and_a_reload(
    size: int,
    seconds: int,
    stack: Stack,
    live_url: str,
    page: Page,
    client: Client,
    owner: User,
    write_file: Callable[[int], tuple[Path, str]],
) -> None:
    Tenant.objects.create(code=owner.get_username())
    client.force_login(owner)
    path, sha256 = write_file(size)
    size = path.stat().st_size
    by_service_worker: set[bool] = set()

    def hear(answer: Response) -> None:
        if answer.request.method == "PATCH":
            by_service_worker.add(answer.from_service_worker)

    page.on("response", hear)
    before, _ = memory_of(web_worker(stack))
    began = time.monotonic()
    proxy = send(page, stack, client, path, seconds=seconds)
    took = time.monotonic() - began
    after, most = memory_of(web_worker(stack))
    _, page_most = memory_of(renderer())
    job = Job.objects.get()
    assert sha256_of_source(job) == (size, sha256)
    assert by_service_worker == {False}, "the service worker stands beside the requests with bytes"
    wait_until(lambda: Job.objects.get().state == "succeeded", timeout=seconds, message="the job ends")
    ended = time.monotonic() - began
    assert Item.objects.count() == (size - len(HEADINGS)) // ROW_BYTES
    again = proxy.sent - size
    sys.stdout.write(
        f"\n{size / MB:.1f} MB in {took:.1f} s ({size / MB / took:.0f} MB/s), the job complete after {ended:.1f} s\n"
        f"sent again, with all headers: {again / MB:.1f} MB ({again / size:.1%})\n"
        f"web process: {before / MB:.0f} MB before, {after / MB:.0f} MB after, {most / MB:.0f} MB at most; "
        f"process of the page: {page_most / MB:.0f} MB at most\n"
    )
    assert again < (len(CUTS) + 1) * CHUNK_BYTES + MB
    assert after - before < ALLOWED_GROWTH
