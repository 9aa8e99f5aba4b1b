"""Fixtures for everything about calls."""

import pytest

from jobs.models import Queue


@pytest.fixture(autouse=True)
def calls_are_paused(request: pytest.FixtureRequest) -> None:
    """A worker of another test may be listening; `tests.support.ordered_calls` needs none."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Queue.objects.filter(name="calls").update(paused=True)
