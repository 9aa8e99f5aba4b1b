"""Mails about a report, and a mail server that takes them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.models import Job
from jobs.states import State
from jobs.worker.execution import execute_job
from tabular.dialect import Dialect
from tests.support.smtp import MailServer, mail_server, send_mail_to

FAILURE = {"error": {"code": "time-limit", "detail": "The query exceeded its time limit.", "retryable": True}}


@pytest.fixture
def owner(db: None) -> User:
    """A user with an address."""
    return User.objects.create_user("ada", email="ada@example.com")


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that the service sends to."""
    with mail_server() as running:
        send_mail_to(settings, running)
        yield running


@pytest.fixture
def report(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A report that has failed unless told otherwise."""

    def make(**values: Any) -> Job:
        payload = {"reportType": "yearly-sales", "parameters": {"year": "2023"}, "csv": Dialect().to_payload()}
        defaults: dict[str, Any] = {
            "kind": "report", "type": "yearly-sales", "payload": {**payload, "language": "en"}, "state": State.DEAD,
            "finished_at": Now(), "released_at": None, "result": FAILURE,
            "created_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        }  # fmt: skip
        return make_job(**{**defaults, **values})

    return make


@pytest.fixture
def mail(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A mail that was handed out; nothing is published."""

    def make(about: Job | None = None, topic: str = "failed", **values: Any) -> Job:
        payload = {"topic": topic, "job": str(about.pk)} if about is not None else {"topic": topic}
        defaults = {"kind": "mail", "type": topic, "queue": "mail", "max_attempts": 21, "payload": payload}
        return make_job(**{**defaults, **values})

    return make


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Job], Job]:
    """Run the next attempt of a mail in this process, and no other job; returns the job as it is then."""
    monkeypatch.setattr("jobs.worker.reserved.WORTH_SECONDS", 0.0)

    def run(mail: Job) -> Job:
        Job.objects.filter(pk=mail.pk).update(state=State.QUEUED, retry_at=None, released_at=Now())
        execute_job(mail.pk, worker="test")
        mail.refresh_from_db()
        return mail

    return run
