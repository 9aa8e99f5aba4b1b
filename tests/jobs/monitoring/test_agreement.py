"""Rows, settings and workers that do not name the same queues."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from jobs.dispatch.presence import leave, renew
from jobs.maintenance.seeding import seed_queues
from jobs.models import Queue, Worker
from jobs.monitoring.agreement import queue_mismatches

pytestmark = pytest.mark.django_db(transaction=True)


def texts() -> list[str]:
    return [found.text for found in queue_mismatches()]


def test_without_any_worker_the_database_agrees_with_the_settings(settings: Settings) -> None:
    """None was ever started, or all were stopped in order, as for an upgrade."""
    assert texts() == ["No worker consumes any queue."]
    settings.WORKER_PRESENCE_SECONDS = 0
    assert texts() == [], "workers do not tell"
    settings.WORKER_PRESENCE_SECONDS = 10
    call_command("check", databases=["default"], fail_level="WARNING", verbosity=0)


@pytest.fixture
def all_served(settings: Settings) -> None:
    renew("all@here", [*settings.QUEUE_NAMES, "team-a"], begins=True)


@pytest.mark.usefixtures("all_served")
def test_a_row_that_the_settings_do_not_name() -> None:
    Queue.objects.create(name="team-a")
    assert texts() == ["The settings do not name the queue team-a: its jobs cannot run."]
    found = [message.id for message in run_checks(databases=["default"]) if (message.id or "").startswith("jobs.W")]
    assert found == ["jobs.W001"]
    assert [message.id for message in run_checks() if (message.id or "").startswith("jobs.W")] == []


@pytest.mark.usefixtures("all_served")
def test_a_name_without_a_row_until_the_next_migrate(settings: Settings) -> None:
    settings.QUEUE_NAMES = (*settings.QUEUE_NAMES, "team-a")
    assert texts() == ["QUEUES names team-a, but there is no such queue in the database: orders for it fail."]
    seed_queues()
    added, reports = Queue.objects.get(name="team-a"), Queue.objects.get(name="reports")
    assert (added.max_running, added.statement_timeout_seconds) == (
        reports.max_running,
        reports.statement_timeout_seconds,
    )


def test_a_queue_that_no_worker_consumes() -> None:
    renew("csv@here", ["reports", "uploads"], begins=True)
    renew("io@here", ["operations", "housekeeping"], begins=True)
    renew("tasks@here", ["calls", "tasks"], begins=True)
    assert texts() == ["No worker consumes the queue callbacks.", "No worker consumes the queue mail."]
    renew("callbacks@here", ["callbacks", "mail"], begins=True)
    renew("calls@here", ["calls"], begins=True)
    assert texts() == []
    leave("io@here")
    assert texts() == ["No worker consumes the queue operations.", "No worker consumes the queue housekeeping."]
    leave("csv@here")
    leave("tasks@here")
    leave("callbacks@here")
    leave("calls@here")
    assert texts() == ["No worker consumes any queue."]


def test_workers_that_are_gone_without_a_word(settings: Settings) -> None:
    renew("csv@here", settings.QUEUE_NAMES, begins=True)
    Worker.objects.update(seen_at=Now() - timedelta(minutes=5))
    assert texts() == ["No worker consumes any queue. csv@here was seen last, 5 min ago."]


def test_a_worker_renews_its_row_and_keeps_when_it_began() -> None:
    renew("w" * 250, ["reports"], begins=True)
    Worker.objects.update(seen_at=Now() - timedelta(minutes=5), started_at=Now() - timedelta(minutes=5))
    renew("w" * 250, ["uploads", "reports"], begins=False)
    worker = Worker.objects.get()
    assert worker.queues == ["reports", "uploads"]
    assert timezone.now() - worker.seen_at < timedelta(minutes=1) < timezone.now() - worker.started_at
    renew("w" * 250, ["reports"], begins=True)
    assert timezone.now() - Worker.objects.get().started_at < timedelta(minutes=1)
