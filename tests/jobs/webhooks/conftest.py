"""A receiver, and deliveries to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.models import Job
from jobs.outbound.urls import bucket_of
from jobs.webhooks.messages import new_payload
from jobs.worker.execution import execute_job
from tests.jobs.webhooks.receivers import Receiver, receiving


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """On loopback, which is allowed while it is there. Times are short."""
    settings.CALLBACK_ALLOW_HTTP = True
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CALLBACK_ALLOWED_PORTS = []
    settings.CALLBACK_TIMEOUT_SECONDS = 0.5
    settings.CALLBACK_CONNECT_TIMEOUT_SECONDS = 0.3
    with receiving() as running:
        yield running


@pytest.fixture
def delivery(owner: User) -> Callable[..., Job]:
    """A delivery that was handed out; nothing is published."""

    def make(url: str, **values: Any) -> Job:
        data = {"id": "7", "status": "é"}
        payload = new_payload(url=url, event="test.completed", at="2026-01-02T03:04:05Z", data=data)
        defaults: dict[str, Any] = {
            "kind": "callback", "queue": "callbacks", "owner": owner, "max_attempts": 21, "released_at": Now(),
            "type": bucket_of(url), "payload": {**payload, "job": "7", "message": "msg_1"},
        }  # fmt: skip
        return Job.objects.create(**{**defaults, **values})

    return make


@pytest.fixture
def deliver(delivery: Callable[..., Job]) -> Callable[..., Job]:
    """Make one and run its first attempt in this process; returns the job as it is then."""

    def run(url: str, **values: Any) -> Job:
        job = delivery(url, **values)
        execute_job(job.pk, worker="test")
        job.refresh_from_db()
        return job

    return run
