"""Time that a test sets."""

import pytest

from tests.support.manual_clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
