"""Mistakes in the settings are found before they cost a job."""

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from jobs.kinds import queues_of_jobs
from jobs.maintenance.seeding import seed_queues, seed_schedules
from jobs.models import Queue


def ids() -> set[str | None]:
    return {message.id for message in run_checks()}


def test_the_settings_pass() -> None:
    assert {known for known in ids() if (known or "").startswith("jobs")} == set()


def test_a_visibility_timeout_below_the_time_limit_is_an_error(settings: Settings) -> None:
    settings.CELERY_VISIBILITY_TIMEOUT = settings.CELERY_TASK_TIME_LIMIT
    assert "jobs.E001" in ids()


def test_a_lease_too_short_to_renew_is_an_error(settings: Settings) -> None:
    settings.LEASE_SECONDS = 2
    assert "jobs.E002" in ids()


def test_callback_networks_that_are_none_are_an_error(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["10.0.0.0/8", "10.0.0.1/8"]
    assert "jobs.E004" in ids()


def test_links_that_end_at_once_are_an_error(settings: Settings) -> None:
    settings.SHARE_LINK_MAX_DAYS = 0
    assert "jobs.E008" in ids()


@pytest.mark.parametrize(
    ("url", "is_wrong"),
    [
        ("", True),
        ("longhaul.example.org", True),
        ("ftp://longhaul.example.org", True),
        ("https://longhaul.example.org/?next=", True),
        ("https://longhaul.example.org", False),
        ("http://127.0.0.1:8000/", False),
    ],
)
def test_mail_without_the_address_of_the_service_is_an_error(url: str, is_wrong: bool, settings: Settings) -> None:
    settings.PUBLIC_URL = url
    assert "jobs.E009" not in ids()
    settings.MAIL_IS_ON = True
    assert ("jobs.E009" in ids()) is is_wrong


def test_of_callbacks_two_run_to_one_bucket_of_hosts(db: None) -> None:
    assert dict(Queue.objects.values_list("name", "max_running_per_type")) == {
        "reports": None, "uploads": None, "callbacks": 2, "mail": None, "calls": None, "tasks": None, "operations": None
    }  # fmt: skip


def test_seeding_again_keeps_what_an_operator_changed(db: None) -> None:
    from django_celery_beat.models import PeriodicTask

    Queue.objects.filter(name="reports").update(max_running=99)
    PeriodicTask.objects.filter(name="jobs.retry_failed_jobs").update(enabled=False)
    seed_queues()
    seed_schedules()
    assert Queue.objects.get(name="reports").max_running == 99
    assert set(Queue.objects.values_list("name", flat=True)) == set(queues_of_jobs())
    assert not PeriodicTask.objects.get(name="jobs.retry_failed_jobs").enabled
    assert PeriodicTask.objects.get(name="jobs.release_due_jobs").queue == "housekeeping"
