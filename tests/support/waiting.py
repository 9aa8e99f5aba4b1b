"""The one way in which tests wait."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, timeout: float = 20.0, every: float = 0.05, message: str = "") -> T:
    """Ask until the answer is truthy, and return it; fail the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {message or condition!r} (last answer: {answer!r})")
        time.sleep(every)
