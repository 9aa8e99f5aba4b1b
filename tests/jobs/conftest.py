"""Jobs of kinds that only tests know."""

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import current_app
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models.functions import Now
from django.utils import timezone
from kombu import Queue as Declared
from pytest_django import Settings

from jobs import kinds
from jobs.kinds import Handler, Kind, register_kind
from jobs.models import Artifact, Callback, Job, Queue, Schedule
from jobs.outbound.urls import bucket_of
from jobs.retry import RetryPolicy
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.states import State
from jobs.types.scheduling import stored_order
from jobs.webhooks.messages import new_payload
from jobs.worker.execution import execute_job
from reports.types import REPORT_TYPES
from tabular.dialect import Dialect
from tests.support.deliveries import URL
from tests.support.receivers import Receiver, receiving


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
def dead_job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Callable[..., Job]:
    """A job that used up its attempts. What is requeued to the queue `reports` waits, because that queue is paused."""
    kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(paused=True)
    dead: dict[str, Any] = {"state": State.DEAD, "released_at": None, "attempt_count": 5, "error_class": "E"}
    result = {"error": {"code": "internal-error", "detail": "…", "retryable": True}}
    return lambda **values: make_job(**dead | {"finished_at": Now(), "fencing_token": 5, "result": result} | values)


@pytest.fixture
def nothing_is_published(db: None) -> None:
    """Workers of other tests may be listening."""
    Queue.objects.update(paused=True)


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


@pytest.fixture
def waiting(make_job: Callable[..., Job], unheard: str) -> Callable[..., Job]:
    """A waiting job of the queue `unheard`, unless told otherwise."""
    return lambda **values: make_job(**{"queue": unheard, "released_at": None, **values})


@pytest.fixture
def one_place(unheard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue `unheard` has one. On a busy machine, too, a job is short that was claimed a few seconds ago."""
    monkeypatch.setattr("jobs.worker.reserved.WORTH_SECONDS", 50)
    Queue.objects.filter(name=unheard).update(max_running=1)


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


@pytest.fixture
def calling_job(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A job that calls back to `URL`."""

    def make(**values: Any) -> Job:
        job = make_job(**values)
        Callback.objects.create(job=job, url=URL)
        Job.objects.filter(pk=job.pk).update(calls_back=True)
        job.calls_back = True
        return job

    return make


@pytest.fixture
def shareable(make_job: Callable[..., Job], settings: Settings) -> Callable[..., Job]:
    """Sharing is on. A report that has succeeded, with its file, which is kept for ten days."""
    settings.SHARE_LINKS = True

    def make(content: bytes = b"a,b\r\n1,2\r\n", *, kept: timedelta | None = timedelta(days=10), **values: Any) -> Job:
        now = timezone.now()
        payload = {"reportType": "yearly-sales", "parameters": {"year": 1999}, "csv": Dialect().to_payload()}
        job = make_job(
            **{"kind": "report", "type": "yearly-sales", "state": State.SUCCEEDED, "payload": payload} | values
        )
        Artifact.objects.create(
            job=job, attempt=1, role="result", filename="sales.csv", content_type="text/csv; charset=utf-8",
            encoding="utf-8", row_count=1234, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
            published_at=now, expires_at=now + kept if kept else None,
            storage_name=storages["artifacts"].save("shared-test", ContentFile(content)),
        )  # fmt: skip
        return job

    return make


@pytest.fixture
def make_schedule(owner: User) -> Callable[..., Schedule]:
    """A schedule of ada's, or of another user: every Monday at 07:00 in Berlin, the order lines of last week."""

    def make(of: User | None = None, **changes: Any) -> Schedule:
        job_type = REPORT_TYPES.find("order-lines")
        assert job_type is not None
        csv = {"encoding": "utf-8", "delimiter": ",", "compression": "none", "spreadsheetSafe": True}
        body = {"reportType": "order-lines", "csv": csv, "parameters": {"dateTo": "2099-12-31"}}
        values = {
            "name": "Last week",
            "order": stored_order(job_type, body, {"dateFrom": "start-of-last-week"}),
            "recurrence": Recurrence("week", 7, days=(1,)),
            "time_zone": "Europe/Berlin",
            "mail": "failed",
            "callback_url": "",
        }
        plan = Plan(**{**values, **changes})
        return create_schedule(owner=of or owner, kind="report", type="order-lines", plan=plan)

    return make
