"""Somebody who may do all, and jobs that are dead."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.models import Job, Queue
from jobs.states import State


@pytest.fixture
def actor(db: None) -> User:
    return User.objects.create_superuser("grace")


@pytest.fixture
def dead_job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Callable[..., Job]:
    kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(paused=True)
    dead: dict[str, Any] = {"state": State.DEAD, "released_at": None, "attempt_count": 5, "error_class": "E"}
    result = {"error": {"code": "internal-error", "detail": "…", "retryable": True}}
    return lambda **values: make_job(**dead | {"finished_at": Now(), "fencing_token": 5, "result": result} | values)
