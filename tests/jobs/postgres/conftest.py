"""What tests of sessions share."""

from collections.abc import Iterator

import pytest

from tests.support.pools import pool_of


@pytest.fixture
def alone() -> Iterator[None]:
    """A pool of one session, which each user gets in turn."""
    with pool_of(1, timeout_seconds=1):
        yield
