"""The mail a day before a file expires: once for each file that its owner has not begun to download."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from jobs.errors import AdmissionError
from jobs.mailing.expiring import expiring_files
from jobs.mailing.receivers import switch_topic
from jobs.mailing.topics import Topic
from jobs.maintenance.announcements import mail_expiring_files
from jobs.models import Artifact, Event, Job, Queue
from jobs.states import State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published", "server")]

Make = Callable[..., Job]


@pytest.fixture
def file(report: Make, owner: User) -> Callable[..., Artifact]:
    """The file of a complete report, which expires in 23 hours; its owner wants to be told."""
    switch_topic(owner.pk, Topic.EXPIRING, on=True)

    def make(*, job: dict[str, Any] | None = None, **values: Any) -> Artifact:
        now = timezone.now()
        defaults: dict[str, Any] = {
            "role": "result", "row_count": 1, "size_bytes": 1, "published_at": now - timedelta(days=6),
            "expires_at": now + timedelta(hours=23),
        }  # fmt: skip
        about = report(**{"state": State.SUCCEEDED, "result": None, **(job or {})})
        return Artifact.objects.create(job=about, **{**defaults, **values})

    return make


def told() -> list[str]:
    return [mail.payload["job"] for mail in Job.objects.filter(kind="mail", type="expiring").order_by("pk")]


def test_a_file_that_nobody_has_downloaded_is_told_of_once(file: Callable[..., Artifact]) -> None:
    one = file()
    assert [mail_expiring_files(), mail_expiring_files()] == [1, 0]
    assert told() == [str(one.job_id)]


def test_the_oldest_come_first(file: Callable[..., Artifact]) -> None:
    late, soon = file(), file(expires_at=timezone.now() + timedelta(hours=1))
    assert mail_expiring_files() == 2
    assert told() == [str(soon.job_id), str(late.job_id)]


@pytest.mark.parametrize(
    "values",
    [
        {"expires_at": timezone.now() + timedelta(days=2)},
        {"expires_at": timezone.now() - timedelta(minutes=1)},
        {"expires_at": None},
        {"deleted_at": timezone.now()},
        {"published_at": timezone.now()},  # it never lives longer than a day
        {"role": "errors"},
        {"job": {"state": State.DEAD}},
        {"job": {"kind": "bulk"}},  # which has no page
    ],
)
def test_other_files_are_not_told_of(values: dict[str, Any], file: Callable[..., Artifact]) -> None:
    file(**values)
    assert (mail_expiring_files(), told()) == (0, [])


@pytest.mark.parametrize(("actor", "expected"), [("ada", 0), ("grace", 1)])
def test_a_download_by_the_owner_counts(actor: str, expected: int, file: Callable[..., Artifact]) -> None:
    Event.objects.create(job=file().job, name=Event.Name.DOWNLOADED, actor=actor)
    assert mail_expiring_files() == expected


def test_owners_who_do_not_want_it_are_not_told(file: Callable[..., Artifact], owner: User) -> None:
    file()
    switch_topic(owner.pk, Topic.EXPIRING, on=False)
    assert mail_expiring_files() == 0
    switch_topic(owner.pk, Topic.EXPIRING, on=True)
    User.objects.update(email="")
    mail_expiring_files()
    assert told() == []


def test_without_mail_the_sweep_does_nothing(settings: Settings, file: Callable[..., Artifact]) -> None:
    settings.MAIL_IS_ON = False
    file()
    assert mail_expiring_files() == 0


def test_while_the_queue_is_closed_the_file_stays_to_be_told_of(file: Callable[..., Artifact]) -> None:
    file()
    Queue.objects.filter(name="mail").update(accepting=False)
    with pytest.raises(AdmissionError):
        mail_expiring_files()
    Queue.objects.filter(name="mail").update(accepting=True)
    assert mail_expiring_files() == 1


def test_the_sweep_finds_the_files_by_an_index(file: Callable[..., Artifact]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "jobs_artifact_expiry" in expiring_files().explain()
