"""Fixtures for everything about uploads."""

import pytest

from jobs.models import Queue


@pytest.fixture(autouse=True)
def uploads_are_paused(request: pytest.FixtureRequest) -> None:
    """A worker of another test in the same process may be listening; `tests.support.uploads.run` needs none."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Queue.objects.filter(name="uploads").update(paused=True)
