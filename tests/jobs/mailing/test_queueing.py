"""Who gets which mail, and how many mails become one digest."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from jobs.mailing.queueing import mail_end, mail_schedule_paused
from jobs.mailing.receivers import switch_topic
from jobs.mailing.topics import Topic
from jobs.models import Job
from jobs.models.ids import first_id_at
from jobs.states import State
from tests.support.smtp import MailServer
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published", "server")]

Make = Callable[..., Job]


def mails() -> list[Job]:
    return list(Job.objects.filter(kind="mail").order_by("pk"))


def payloads() -> list[dict[str, Any]]:
    return [mail.payload for mail in mails()]


def test_the_owner_of_a_failed_job_gets_a_mail_by_default(report: Make, owner: User) -> None:
    about = report()
    [mail] = mail_end(about)
    assert (mail.kind, mail.type, mail.queue, mail.owner, mail.state) == ("mail", "failed", "mail", owner, State.QUEUED)
    assert mail.payload == {"topic": "failed", "job": str(about.pk)}


@pytest.mark.parametrize(
    ("state", "preferences", "queued"),
    [
        (State.SUCCEEDED, {}, []),
        (State.SUCCEEDED, {Topic.COMPLETE: True}, ["complete"]),
        (State.DEAD, {}, ["failed"]),
        (State.DEAD, {Topic.FAILED: False}, []),
        (State.CANCELLED, {Topic.COMPLETE: True}, []),
    ],
)
def test_the_preferences_decide(
    state: State, preferences: dict[Topic, bool], queued: list[str], report: Make, owner: User
) -> None:
    for topic, on in preferences.items():
        switch_topic(owner.pk, topic, on=on)
    mail_end(report(state=state))
    assert [mail.type for mail in mails()] == queued


@pytest.mark.parametrize("change", [{"email": ""}, {"is_active": False}])
def test_an_account_without_an_address_or_not_active_gets_none(change: dict[str, Any], report: Make) -> None:
    User.objects.update(**change)
    assert mail_end(Job.objects.select_related("owner").get(pk=report().pk)) == []


def test_nothing_is_queued_where_the_server_sends_no_mail(settings: Settings, report: Make) -> None:
    settings.MAIL_IS_ON = False
    assert mail_end(report()) == []


def test_a_schedule_that_was_paused(owner: User) -> None:
    mail = mail_schedule_paused(owner, "Every Monday", "/schedules/7", "The type no longer exists.")
    assert mail is not None
    facts = {"name": "Every Monday", "url": "/schedules/7", "reason": "The type no longer exists."}
    assert (mail.type, mail.payload) == ("schedule-paused", {"topic": "schedule-paused", **facts})


def test_after_ten_mails_within_an_hour_one_digest_stands_for_the_rest(report: Make) -> None:
    jobs = [report() for _ in range(15)]
    assert [len(mail_end(job)) for job in jobs] == [1] * 11 + [0] * 4
    *single, digest = mails()
    assert [mail.payload["job"] for mail in single] == [str(job.pk) for job in jobs[:10]]
    assert digest.payload == {"topic": "failed", "counts": {"report": 5}}
    assert (digest.scheduled_at, digest.due) == (single[0].created_at + timedelta(hours=1), False)


def test_a_digest_counts_each_kind_and_each_topic_has_its_own(report: Make, owner: User) -> None:
    switch_topic(owner.pk, Topic.COMPLETE, on=True)
    for _ in range(11):
        mail_end(report())
    for kind in ("upload", "report", "upload"):
        mail_end(report(kind=kind))
    mail_end(report(state=State.SUCCEEDED))
    assert payloads()[10] == {"topic": "failed", "counts": {"report": 2, "upload": 2}}
    assert [payload["topic"] for payload in payloads()[11:]] == ["complete"]


def test_what_comes_after_the_digest_was_claimed_waits_for_the_next(report: Make) -> None:
    for _ in range(11):
        mail_end(report())
    Job.objects.filter(payload__has_key="counts").update(state=State.RUNNING, fencing_token=1)
    mail_end(report())
    mail_end(report())
    assert payloads()[10:] == [
        {"topic": "failed", "counts": {"report": 1}}, {"topic": "failed", "counts": {"report": 2}}
    ]  # fmt: skip


def test_a_digest_that_was_tried_before_counts_no_more(report: Make) -> None:
    for _ in range(11):
        mail_end(report())
    Job.objects.filter(payload__has_key="counts").update(fencing_token=1)  # handed back
    mail_end(report())
    assert [payload["counts"] for payload in payloads()[10:]] == [{"report": 1}, {"report": 1}]


@pytest.mark.parametrize(("minutes", "kind_of_mail"), [(59, "counts"), (61, "job")])
def test_after_the_hour_mails_are_sent_one_by_one_again(
    minutes: int, kind_of_mail: str, report: Make, mail: Make
) -> None:
    before = timezone.now() - timedelta(minutes=minutes)
    for number in range(10):  # the age of a job is in its id
        mail(report(), pk=first_id_at(before + timedelta(milliseconds=number)), created_at=before)
    mail_end(report())
    assert set(payloads()[-1]) == {"topic", kind_of_mail}


def test_other_users_have_their_own_count(report: Make) -> None:
    for _ in range(11):
        mail_end(report())
    bob = User.objects.create_user("bob", email="bob@example.com")
    mail_end(report(owner=bob))
    assert "job" in payloads()[-1]


def test_of_many_at_once_each_is_counted_once(report: Make) -> None:
    jobs = [report() for _ in range(30)]
    with Threads(6) as threads:
        for act in [threads.submit(mail_end, Job.objects.select_related("owner").get(pk=job.pk)) for job in jobs]:
            act.result()
    single = [payload for payload in payloads() if "job" in payload]
    digests = [payload for payload in payloads() if "counts" in payload]
    assert len(single) == 10
    assert digests == [{"topic": "failed", "counts": {"report": 20}}]


def test_the_number_of_queries_is_the_same_for_the_first_and_the_thousandth(report: Make) -> None:
    def queries() -> int:
        job = report()
        with CaptureQueriesContext(connection) as captured:
            mail_end(job)
        return len([query for query in captured if "SAVEPOINT" not in str(query["sql"])])

    first = queries()
    for _ in range(12):
        mail_end(report())
    assert (first, queries()) == (8, 7)


def test_a_digest_is_sent_with_what_it_has_counted(
    server: MailServer, report: Make, attempt: Callable[[Job], Job]
) -> None:
    for _ in range(13):
        mail_end(report())
    digest = mails()[10]
    Job.objects.filter(pk=digest.pk).update(scheduled_at=Now(), due=True)
    assert attempt(digest).state == State.SUCCEEDED
    assert [str(mail["Subject"]) for mail in server.mails] == ["3 more jobs have failed"]
