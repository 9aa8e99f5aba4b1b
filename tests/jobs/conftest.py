"""Jobs of kinds that only tests know."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import current_app
from django.contrib.auth.models import User
from django.db.models.functions import Now
from kombu import Queue as Declared

from jobs import kinds
from jobs.kinds import Handler, Kind, register_kind
from jobs.models import Job, Queue
from jobs.retry import RetryPolicy


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def kind_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Register a kind with this handler; returns its name. It is gone after the test."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))

    def make(handler: Handler, *, policy: RetryPolicy | None = None) -> str:
        register_kind(Kind("test", "reports", handler, policy or RetryPolicy()))
        return "test"

    return make


@pytest.fixture
def make_job(owner: User) -> Callable[..., Job]:
    """A row, queued and handed out unless told otherwise; nothing is published."""

    def make(**values: Any) -> Job:
        defaults: dict[str, Any] = {
            "kind": "test", "queue": "reports", "owner": owner, "payload": {}, "max_attempts": 5, "released_at": Now()
        }  # fmt: skip
        return Job.objects.create(**{**defaults, **values})

    return make


@pytest.fixture
def unheard(db: None) -> Iterator[str]:
    """The name of a queue that no worker of the suite consumes, so that messages stay to be looked at."""
    name = "unheard"
    Queue.objects.create(name=name, max_running=3)
    current_app.amqp.queues.add(Declared(name, routing_key=name))
    yield name
    current_app.amqp.queues.pop(name)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete(name)
