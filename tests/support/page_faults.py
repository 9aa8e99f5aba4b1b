"""What happens to an open page: its computer sleeps, or the network holds back what it sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psutil
from playwright.sync_api import Page, Route

from tests.support.waiting import wait_until

#: An init script: a page asks again after 0.3 s where it would wait for seconds. 10 s is its patience for an answer.
HURRY: Final = """
    const setRealTimeout = window.setTimeout;
    window.setTimeout = (run, delay, ...rest) =>
        setRealTimeout(run, delay >= 1000 && delay !== 10000 ? 300 : delay, ...rest);
"""
#: No timer of the page ends any more, so that it notices only what it is told.
WITHOUT_TIMERS: Final = """() => {
    const last = setTimeout(() => {});
    for (let timer = 1; timer <= last; timer += 1) clearTimeout(timer);
    window.setTimeout = () => 0;
}"""


@contextmanager
def asleep(page: Page) -> Iterator[None]:
    """As if the laptop were closed: the processes of its pages stop.

    Afterwards only `resume`, the event of waking up, can make the page look at its job. It is sent here, because a
    Chromium without windows neither freezes a page (it ignores `Page.setWebLifecycleState`) nor tells that it wakes.
    """
    page.evaluate(WITHOUT_TIMERS)
    stopped = [psutil.Process(pid) for pid in _renderers(page)]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()
    page.evaluate("() => { document.dispatchEvent(new Event('resume')); }")


def _renderers(page: Page) -> list[int]:
    """The process ids of the browser's pages."""
    browser = page.context.browser
    assert browser is not None
    session = browser.new_browser_cdp_session()
    known = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return [one["id"] for one in known if one["type"] == "renderer"]


class HeldPatches:
    """The requests with bytes of a file: `offsets` of all so far. Those from `hold_from` on wait for `let_go`."""

    def __init__(self, page: Page, *, hold_from: int) -> None:
        self.offsets: list[int] = []
        self._page = page
        self._hold_from = hold_from
        self._held: list[Route] = []
        page.route(re.compile("/api/uploads/resumable/"), self._decide)

    def wait(self) -> None:
        """Wait until one is held. Playwright hears of it only while it waits for the page."""
        wait_until(lambda: self._page.title() and self._held, message="a request with bytes is held")

    def let_go(self) -> None:
        """Let those through that are held, and all later ones."""
        self._hold_from = -1
        for route in self._held:
            route.continue_()

    def _decide(self, route: Route) -> None:
        if route.request.method != "PATCH":
            return route.continue_()
        offset = int(route.request.headers["upload-offset"])
        self.offsets.append(offset)
        if 0 <= self._hold_from <= offset:
            return self._held.append(route)
        return route.continue_()
