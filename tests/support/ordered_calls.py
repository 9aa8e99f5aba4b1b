"""Orders calls of `tests.support.apps.remote`, and runs them in this process."""

from typing import Any

from django.contrib.auth.models import User

from calls.ordering import ORDERING
from jobs.models import Job
from tests.support.uploads import run

DOUBLES: dict[str, Any] = {"callType": "doubles", "parameters": {"numbers": [1, 2, 3]}}


def ordered(owner: User, *numbers: int, **parameters: Any) -> Job:
    """A call that is queued: to double these numbers."""
    data = {"callType": "doubles", "parameters": {"numbers": list(numbers), **parameters}}
    return ORDERING.place_order(owner=owner, data=data).job


def called(owner: User, *numbers: int, **parameters: Any) -> Job:
    """The same after an attempt."""
    return run(ordered(owner, *numbers, **parameters))


def called_for_text(owner: User, length: int, **parameters: Any) -> Job:
    """A call after its attempt, whose result has a text of this length."""
    data = {"callType": "text", "parameters": {"length": length, **parameters}}
    return run(ORDERING.place_order(owner=owner, data=data).job)
