"""Orders of this process that wait for the end of their job (`Prefer: wait`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jobs.api.end_polling import POLLER
from tests.support.threads import Threads
from tests.support.waiting import wait_until


def waiting() -> int:
    """How many requests of this process wait."""
    return len(POLLER._awaited)


@contextmanager
def once_waiting(act: Callable[[], object], *, count: int = 1) -> Iterator[None]:
    """Act as soon as so many requests wait, while the block sends one of them."""

    def wait_and_act() -> None:
        wait_until(lambda: waiting() == count, message="the request waits")
        act()

    with Threads(1) as threads:
        done = threads.submit(wait_and_act)
        yield
        done.result()


def applied(response: Any) -> tuple[int, str | None]:
    """The status, and what was applied of `Prefer`."""
    return response.status_code, response.headers.get("Preference-Applied")
