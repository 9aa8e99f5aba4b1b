"""Jobs that wait in a queue which no worker consumes."""

from collections.abc import Callable

import pytest

from jobs.models import Job


@pytest.fixture
def waiting(make_job: Callable[..., Job], unheard: str) -> Callable[..., Job]:
    return lambda **values: make_job(**{"queue": unheard, "released_at": None, **values})
