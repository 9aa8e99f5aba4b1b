"""A remote API for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.remotes import Remote, running_remote


@pytest.fixture(scope="module")
def one_remote() -> Iterator[Remote]:
    with running_remote() as remote:
        yield remote


@pytest.fixture
def remote(one_remote: Remote) -> Remote:
    """It answers at once and without limits, and nobody has asked it anything."""
    one_remote.behave_well()
    one_remote.set_options(delaySeconds=0, maxInFlight=None, maxPerSecond=None)
    one_remote.forget_counts()
    return one_remote
