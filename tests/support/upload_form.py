"""The form that sends a file, in a browser: a large file, what the network lets through, and where it arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import FilePayload, Page, Route, expect

from jobs.models import Job
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload

FORM: Final = "/uploads/new?type=items"
#: How many bytes `upload.js` sends in one request.
CHUNK_BYTES: Final = 8 * 1024 * 1024
HEADINGS: Final = b"Code,Name,Price\n"
ROW: Final = b"A-1234567,Bolt,1.50\n"
#: Three requests, of which the last one is short.
LARGE: Final = HEADINGS + ROW * 1_000_000


def choose(page: Page, file: Path | FilePayload) -> None:
    """Choose a file, and wait for its description: the buttons move down when it comes, even under a pressed mouse."""
    page.set_input_files("#file", file)
    expect(page.locator("[data-recognized-says]")).to_have_text("All required columns were found.", timeout=15_000)


def cut_at(page: Page, offset: int) -> Callable[[], None]:
    """Let no bytes from `offset` on through until the answer is called."""
    is_cut = [True]

    def decide(route: Route) -> None:
        if is_cut[0] and int(route.request.headers.get("upload-offset", -1)) >= offset:
            return  # it stays under way
        route.continue_()

    page.route(re.compile("/api/uploads/resumable/"), decide)
    return lambda: is_cut.__setitem__(0, False)


def second_is_under_way(page: Page, patches: list[int]) -> None:
    """Wait for the second request with bytes. Playwright hears of it only while it waits for the page."""
    wait_until(lambda: page.title() and CHUNK_BYTES in patches)


def state(page: Page) -> Any:
    return page.locator("[data-part=state]")


def arrived(page: Page) -> Job:
    """The upload whose page is shown in the end."""
    expect(page).to_have_url(re.compile("/uploads/[0-9a-f-]{36}$"), timeout=60_000)
    return Job.objects.get()


def offset() -> int:
    return ResumableUpload.objects.get().offset_bytes
